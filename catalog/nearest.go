package catalog

import "slices"

const (
	// farthest is the edit distance up to which a selector is offered as what was meant.
	farthest = 3
	// mostCompared bounds the comparisons in one cluster, so that hostile input cannot make them quadratic.
	mostCompared = 200_000
)

// nearest returns the selector nearest to a label value that no binding selects, among those that pods of the namespace could reach;
// empty when none is near. Equal distances fall to the first in alphabetical order.
func (e *estate) nearest(namespace, label string) string {
	candidates := e.bindings
	if !e.acrossNamespaces() {
		candidates = e.bindingsIn[namespace]
	}
	best, distance := "", farthest+1
	for _, b := range candidates {
		if b.Selector == "" || abs(len(b.Selector)-len(label)) > farthest {
			continue
		}
		if e.compared++; e.compared > mostCompared {
			break
		}
		d := editDistance(label, b.Selector, farthest)
		if d < distance || d == distance && b.Selector < best {
			best, distance = b.Selector, d
		}
	}
	if distance > farthest || distance >= len(label) {
		return ""
	}
	return best
}

// editDistance is Levenshtein's over bytes, or most+1 as soon as it is known to be more than most.
func editDistance(a, b string, most int) int {
	if abs(len(a)-len(b)) > most {
		return most + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
		if slices.Min(row) > most {
			return most + 1
		}
	}
	return min(row[len(b)], most+1)
}

func abs(n int) int { return max(n, -n) }
