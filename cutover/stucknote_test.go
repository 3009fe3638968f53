package cutover_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// failOnTheWayBack runs the two clusters until the load of some units, by namespace, has failed after an hour, when onFail is called for each; those
// that can be written down are left on their way back, for Pod Identity does not serve them yet.
func failOnTheWayBack(t *testing.T, w *twoClusters, j cutover.Journal, onFail func(namespace string), failed ...string) (rep *cutover.Report, err error) {
	t.Helper()
	g := cutovertest.PassGates()
	g.Load = func(_ context.Context, tg cutover.Target) cutover.Verdict {
		if !slices.Contains(failed, tg.Unit.Namespace) {
			return cutover.Verdict{Gate: "load", Result: cutover.Pass}
		}
		time.Sleep(time.Hour) // so that all of them have come here
		onFail(tg.Unit.Namespace)
		return cutover.Verdict{Gate: "load", Result: cutover.Fail, Reason: "AADSTS700213"}
	}
	notYet := func(context.Context, string, string, []string) error {
		return errors.New("NMI does not serve them yet")
	}
	r, err := cutover.NewRunner(w.clusters, j, g, &cutover.Options{Trust: w.fleet, Exchanger: w.fleet, Oracle: w.fleet, OldPathServes: notYet})
	if err != nil {
		t.Fatal(err)
	}
	return r.Run(t.Context(), w.plan)
}

func TestAThawOfAllUnitsKeepsTheNoteOfOneThatIsOnItsWayBack(t *testing.T) {
	bubble(t, "the freeze holds where its own cluster does not answer afterwards", func(t *testing.T) {
		w := newTwoClusters(t)
		j := w.journal(t, "config map")
		rep, err := failOnTheWayBack(t, w, j, func(string) {}, "team-03")
		if err != nil {
			t.Fatal(err)
		}
		w.want(t, rep, "before the thaw", "Done", "Done", "Done", "RollingBack oldPath", "Planned")
		if rep, err = w.runner(t, j, nil).Thaw(t.Context(), w.plan); err != nil || len(rep.Frozen) != 1 {
			t.Errorf("after the thaw: frozen %q, %v", rep.Frozen, err)
		}
		w.bad.down.Store(true)
		wantFrozenFleet(t, w, j)
		w.bad.down.Store(false)
		rep = mustRun(t, w.runner(t, j, nil), w.plan)
		w.want(t, rep, "once it answers again", "Done", "Done", "Done", "RolledBack", "Planned")
		wantNoHarm(t, w.fleet)
	})
}

func TestAThawDropsNoNoteOfAUnitWhoseRecordCannotBeReadAfterwards(t *testing.T) {
	bubble(t, "its cluster goes away once the thaw has done with the unit", func(t *testing.T) {
		w := newTwoClusters(t)
		if _, err := failOnTheWayBack(t, w, w.journal(t, "config map"), func(string) {}, "team-03"); err != nil {
			t.Fatal(err)
		}
		leases := 0 // the second gives the unit's lease back
		all := w.clusters
		w.clusters = maps.Clone(all)
		w.clusters["aks-eastus-02"] = writeTo{w.bad, func(ctx context.Context, c cutover.Cluster, write cutover.Write) (*unstructured.Unstructured, error) {
			o, err := c.Write(ctx, write)
			if write.Ref.Kind == "Lease" {
				leases++
			}
			w.bad.down.Store(leases == 2)
			return o, err
		}}
		rep, err := w.runner(t, w.journal(t, "config map"), nil).Thaw(t.Context(), w.plan, "aks-eastus-02/team-03/web")
		if err != nil || leases != 2 || len(rep.Frozen) != 1 {
			t.Errorf("after the thaw and %d leases: frozen %q, %v", leases, rep.Frozen, err)
		}
		w.clusters = all
		wantFrozenFleet(t, w, w.journal(t, "config map"))
	})
}

func TestARunThatCannotWriteAFailureIntoItsUnitsRecordTakesOthersBackAllTheSame(t *testing.T) {
	bubble(t, "the cluster of the unit refuses writes of the journal", func(t *testing.T) {
		w := newTwoClusters(t)
		goesAway := func(namespace string) { w.bad.down.Store(w.bad.down.Load() || namespace == "team-03") } // its failure is noted elsewhere alone
		if _, err := failOnTheWayBack(t, w, w.journal(t, "config map"), goesAway, "team-02", "team-03"); err == nil {
			t.Fatal("the failure could be written down")
		}
		w.bad.down.Store(false)
		w.clusters = maps.Clone(w.clusters)
		w.clusters["aks-eastus-02"] = stuck{w.bad, func(write cutover.Write) bool { return write.Ref.Kind == "ConfigMap" }}
		rep, err := w.runner(t, w.journal(t, "config map"), nil).Run(t.Context(), w.plan)
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "aks-eastus-02/team-03/web has failed") {
			t.Errorf("the run ended with %v", err)
		}
		w.want(t, rep, "run", "Done", "Done", "RolledBack", "DualPath", "Planned", "Planned")
		if len(rep.Frozen) != 2 {
			t.Errorf("the report names %q", rep.Frozen)
		}
		wantNoHarm(t, w.fleet)
	})
}
