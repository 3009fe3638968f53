package cutover

import (
	"fmt"
	"slices"
	"strings"
)

// planWaves puts ordered units into waves: one canary, then one per region, then a quarter of all, then the rest. Units of different
// regions that are one workload never share a wave, so that a wave that goes wrong leaves every workload a region; what cannot go
// into the last wave for that reason goes into further ones. Units with a workload that runs no pod come last of all: they are held
// until it does, and would hold up every wave behind theirs.
func planWaves(units []Unit) []Wave {
	left := slices.DeleteFunc(slices.Clone(units), runsNoPod)
	var waves []Wave
	take := func(name string, limit int, fits func(Unit, []Unit) bool) {
		var taken, rest []Unit
		for _, u := range left {
			if len(taken) < limit && !twinElsewhere(u, taken) && fits(u, taken) {
				taken = append(taken, u)
			} else {
				rest = append(rest, u)
			}
		}
		if left = rest; len(taken) > 0 {
			waves = append(waves, newWave(name, taken))
		}
	}
	anyUnit := func(Unit, []Unit) bool { return true }
	take("canary", 1, anyUnit)
	take("one per region", len(left), func(u Unit, taken []Unit) bool {
		return !slices.ContainsFunc(taken, func(t Unit) bool { return t.Region == u.Region })
	})
	take("quarter", (len(units)+3)/4, anyUnit)
	takeAll := func(name string) {
		for i := 1; len(left) > 0; i++ {
			numbered := name
			if i > 1 {
				numbered = fmt.Sprintf("%s %d", name, i)
			}
			take(numbered, len(left), anyUnit)
		}
	}
	takeAll("rest")
	left = slices.DeleteFunc(slices.Clone(units), func(u Unit) bool { return !runsNoPod(u) })
	takeAll("idle")
	return waves
}

// noPod ends the risk of a unit whose workload is scaled to zero.
const noPod = " runs no pod: nothing can be verified until it does"

func runsNoPod(u Unit) bool {
	return slices.ContainsFunc(u.Risks, func(r string) bool { return strings.HasSuffix(r, noPod) })
}

// twinElsewhere reports whether one of the units is the same workload in another region. A region may have more on a service account than
// another, or more service accounts on an identity: one that both have makes them twins.
func twinElsewhere(u Unit, others []Unit) bool {
	return slices.ContainsFunc(others, func(o Unit) bool { return o.Region != u.Region && twins(u, o) })
}

func twins(a, b Unit) bool {
	return a.Namespace == b.Namespace && slices.ContainsFunc(a.Accounts, func(x Account) bool {
		return slices.ContainsFunc(b.Accounts, func(y Account) bool { return x.Ref.Name == y.Ref.Name })
	})
}

func newWave(name string, units []Unit) Wave {
	w := Wave{Name: name}
	for _, u := range units {
		w.Units = append(w.Units, u.ID)
	}
	return w
}
