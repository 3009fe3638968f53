package cutover_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// oneApp is a fleet of one cluster with one application.
func oneApp(t *testing.T, a cutovertest.App) (*cutovertest.Fleet, *cutovertest.Cluster) {
	t.Helper()
	f := cutovertest.New(nil)
	c := f.AddCluster("aks-eastus-01", "eastus", 4)
	a.Namespace, a.Name = "shop", "web"
	c.Deploy(a)
	settle(t)
	f.ResetTally()
	return f, c
}

func mustRun(t *testing.T, r *cutover.Runner, p *cutover.Plan) *cutover.Report {
	t.Helper()
	rep, err := r.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func mustRollback(t *testing.T, r *cutover.Runner, p *cutover.Plan) *cutover.Report {
	t.Helper()
	rep, err := r.Rollback(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// wantDump judges that a cluster is as it was, once autoscalers have followed.
func wantDump(t *testing.T, c *cutovertest.Cluster, was map[string]map[string]any) {
	t.Helper()
	time.Sleep(10 * time.Minute)
	if diff := cmp.Diff(was, c.Dump()); diff != "" {
		t.Errorf("before (-) and after (+):\n%s", diff)
	}
}

func wantHold(t *testing.T, rep *cutover.Report, hold cutover.Hold, reason string) {
	t.Helper()
	for _, u := range rep.Units {
		if u.State != cutover.Held || u.Hold != hold || !strings.Contains(u.Reason, reason) {
			t.Errorf("%s is %s (%s: %s), want Held (%s: …%s…)", u.ID, u.State, u.Hold, u.Reason, hold, reason)
		}
	}
}

func wantFrozen(t *testing.T, rep *cutover.Report, reason string) {
	t.Helper()
	for _, u := range rep.Units {
		if u.State != cutover.Frozen || !strings.Contains(u.Reason, reason) {
			t.Errorf("%s is %s (%s), want Frozen (…%s…)", u.ID, u.State, u.Reason, reason)
		}
	}
}

func wantNoHarm(t *testing.T, f *cutovertest.Fleet) {
	t.Helper()
	if tally := f.Tally(); tally.Failed+tally.Wrong != 0 || tally.Taken == 0 {
		t.Errorf("tokens: %+v", tally)
	}
}

func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}
