package e2e_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A process that moves a unit on a real control plane is killed by SIGKILL at one of its writes, and another takes over. Whenever that
// happens, and wherever the journal is, the end is the same.
func TestAKilledMoveEndsLikeAnUndisturbedOne(t *testing.T) {
	inTurn(t, middling)
	f := commonFleet(t)
	if err := f.Clusters[0].Apply(t.Context(), namespaceYAML(moverJournals)); err != nil {
		t.Fatal(err)
	}
	calm := make([]*journey, 2) // forward and back, undisturbed
	for i, back := range []bool{false, true} {
		calm[i] = &journey{f: f, name: fmt.Sprintf("hollow-calm-%d", i), back: back, file: i == 0}
	}
	travel(t, f, calm)
	var all []*journey
	for i, undisturbed := range calm {
		if undisturbed.writes < 10 || undisturbed.rollouts != 3 {
			t.Fatalf("an undisturbed process made %d writes and %d ReplicaSets", undisturbed.writes, undisturbed.rollouts)
		}
		_, bound := undisturbed.end["AzureIdentityBinding NAME"]
		if lower := undisturbed.end["HorizontalPodAutoscaler NAME"]["/spec/minReplicas"]; lower != "2" || bound != undisturbed.back {
			t.Fatalf("%s: the HPA's lower bound is %s, want 2 again; the binding is there: %v", undisturbed, lower, bound)
		}
		for _, at := range moments(undisturbed.writes) {
			for _, before := range []bool{true, false} {
				if !full() && before != (at%2 == 0) {
					continue
				}
				n := len(all)
				all = append(all, &journey{f: f, name: fmt.Sprintf("hollow-killed-%d-%d-%d", i, at, n), back: undisturbed.back, at: at, before: before, file: n%2 == 0})
			}
		}
	}
	travel(t, f, all)
	for _, j := range all {
		undisturbed := calm[0]
		if j.back {
			undisturbed = calm[1]
		}
		if early := j.killed == 0 && j.writes < j.at; j.killed != 1 && !early { // one that waits less writes less, and may have come to its end before
			t.Errorf("%s: %d processes were killed, want 1", j, j.killed)
		}
		if j.rollouts != undisturbed.rollouts {
			t.Errorf("%s: %d ReplicaSets, undisturbed %d", j, j.rollouts, undisturbed.rollouts)
		}
		if diff := cmp.Diff(undisturbed.end, j.end); diff != "" {
			t.Errorf("%s: undisturbed (-) and killed (+) differ:\n%s", j, diff)
		}
	}
	killed := 0
	for _, j := range all {
		killed += j.killed
	}
	if killed < len(all)*9/10 {
		t.Errorf("%d of %d processes were killed", killed, len(all))
	}
	t.Logf("%d processes killed, at %d writes forward and %d back at most; every end equals the undisturbed one", killed, calm[0].writes, calm[1].writes)
}

// moments are the writes at which a process dies.
func moments(writes int) []int {
	var out []int
	step := max(writes/3, 1)
	if full() {
		step = 1
	}
	for at := 1; at <= writes; at += step {
		out = append(out, at)
	}
	return out
}
