package cutover

import (
	"slices"
	"time"
)

// timeEvidence compares how fast the new pods on known nodes were Ready with the time before the change.
func (r *loadRun) timeEvidence(y *loadTally, births []*birth) []Evidence {
	var took []time.Duration
	for _, b := range births {
		if b.took > 0 && r.nodes.known[b.pod.Spec.NodeName] {
			took = append(took, b.took)
		}
	}
	if len(took) == 0 {
		return nil
	}
	slices.Sort(took)
	return []Evidence{r.o.Ready.withDefaults().judge(r.t, y.w, took)}
}
