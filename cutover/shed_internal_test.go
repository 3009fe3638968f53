package cutover

import (
	"strings"
	"testing"
)

func TestWhatAFullRecordShedsFirst(t *testing.T) {
	evidence := func(results ...Result) []Evidence {
		var out []Evidence
		for _, r := range results {
			out = append(out, Evidence{Check: "V1", Got: strings.Repeat("x", 1000), Result: r})
		}
		return out
	}
	for _, tc := range []struct {
		name string
		room int
		want [2]string // what is left of the old verdict, and of the new one
		shed [2]int
	}{
		{"nothing while there is room", 9000, [2]string{"fail inconclusive pass pass", "inconclusive pass"}, [2]int{0, 0}},
		{"what passed, the oldest verdict's", 5000, [2]string{"fail inconclusive", "inconclusive pass"}, [2]int{2, 0}},
		{"then that of newer ones", 4000, [2]string{"fail inconclusive", "inconclusive"}, [2]int{2, 1}},
		{"then what was inconclusive, the oldest first", 3000, [2]string{"fail", "inconclusive"}, [2]int{3, 1}},
		{"never what failed", 10, [2]string{"fail", ""}, [2]int{3, 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &Record{Verdicts: []StepVerdict{
				{Step: "old", Verdict: Verdict{Gate: "g", Result: Fail, Reason: "why", Evidence: evidence(Fail, Inconclusive, Pass, Pass)}},
				{Step: "new", Verdict: Verdict{Gate: "g", Result: Inconclusive, Reason: "why", Evidence: evidence(Inconclusive, Pass)}},
			}}
			r.shed(tc.room)
			for i, v := range r.Verdicts {
				var left []string
				for _, e := range v.Evidence {
					left = append(left, string(e.Result))
				}
				if got := strings.Join(left, " "); got != tc.want[i] || v.Shed != tc.shed[i] || v.Reason != "why" {
					t.Errorf("%s: left %q, shed %d, want %q and %d", v.Step, got, v.Shed, tc.want[i], tc.shed[i])
				}
			}
			if size := jsonSize(r); tc.room > 10 && size > tc.room {
				t.Errorf("it takes %d bytes, and there is room for %d", size, tc.room)
			}
		})
	}
}
