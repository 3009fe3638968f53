package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// The same with the provided gates, the webhook, NMI and Entra at work, and applications that take tokens all the time: whenever the
// process is killed, forward or on its way back, none of them fails.
func TestAKilledMoveOfRunningApplicationsCostsNoToken(t *testing.T) {
	inTurn(t, long)
	f := commonFleet(t)
	c := f.Clusters[0]
	if err := c.AwaitNMI(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(t.Context(), namespaceYAML(moverJournals)); err != nil {
		t.Fatal(err)
	}
	world := newMoverWorld(t, f)
	calm := []*journey{{f: f, name: "calm-0", file: true, world: world}, {f: f, name: "calm-1", back: true, world: world}}
	travel(t, f, calm)
	var all []*journey
	for i, undisturbed := range calm {
		for n, at := range deaths(undisturbed.writes) {
			for _, before := range []bool{true, false} {
				if !full() && before != (n%2 == 0) {
					continue
				}
				all = append(all, &journey{f: f, name: fmt.Sprintf("killed-%d-%d-%v", i, at, before), back: undisturbed.back, at: at, before: before,
					file: n%2 == 0, world: world})
			}
		}
	}
	for some := range slices.Chunk(all, 24) { // as many applications at a time as a small machine can run
		travel(t, f, some)
		retire(t, c, some)
	}
	killed := 0
	for _, j := range all {
		undisturbed := calm[0]
		if j.back {
			undisturbed = calm[1]
		}
		killed += j.killed
		if j.rollouts != undisturbed.rollouts {
			t.Errorf("%s: %d ReplicaSets, undisturbed %d", j, j.rollouts, undisturbed.rollouts)
		}
		if diff := cmp.Diff(undisturbed.end, j.end); diff != "" {
			t.Errorf("%s: undisturbed (-) and killed (+) differ:\n%s", j, diff)
		}
	}
	s := summarise(reportsIn(f, namesOf(slices.Concat(calm, all))))
	t.Logf("%d processes killed, among %d writes forward and %d back; tokens: %d taken, %d failed, %d wrong", killed, calm[0].writes, calm[1].writes,
		s.taken, s.failed, s.wrong)
	if killed < len(all)*3/4 { // a journey may come to its end by fewer writes than the undisturbed one
		t.Errorf("%d of %d processes were killed", killed, len(all))
	}
	if s.failed > 0 || s.wrong > 0 || s.broken != "" || s.taken == 0 {
		t.Errorf("tokens: %+v", s)
	}
}

// deaths are the writes at which a process with the provided gates dies: all of them, or a few that are far apart.
func deaths(writes int) []int {
	step := 1
	if !full() {
		step = max(writes/2, 1)
	}
	var out []int
	for at := step; at < writes; at += step {
		out = append(out, at)
	}
	return out
}

// retire ends the applications of journeys that have arrived.
func retire(t *testing.T, c *fleet.Cluster, of []*journey) {
	t.Helper()
	for _, j := range of {
		if err := c.Scale(t.Context(), j.name, "Deployment", j.name, 0); err != nil {
			t.Fatal(err)
		}
	}
}
