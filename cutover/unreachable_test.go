package cutover_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// outage is a cluster that does not answer while it is down.
type outage struct {
	cutover.Cluster
	down atomic.Bool
	says error // default: the connection breaks
}

func (o *outage) lost() error {
	switch {
	case !o.down.Load():
		return nil
	case o.says != nil:
		return o.says
	}
	return io.ErrUnexpectedEOF
}

func (o *outage) Watch(ctx context.Context, s []cutover.Selection, fn func(cutover.WatchEvent) bool) error {
	if err := o.lost(); err != nil && o.says != nil {
		return err
	}
	return o.Cluster.Watch(ctx, s, fn)
}

func (o *outage) Get(ctx context.Context, ref cutover.Ref) (*unstructured.Unstructured, error) {
	if err := o.lost(); err != nil {
		return nil, err
	}
	return o.Cluster.Get(ctx, ref)
}

func (o *outage) List(ctx context.Context, s cutover.Selection) ([]*unstructured.Unstructured, error) {
	if err := o.lost(); err != nil {
		return nil, err
	}
	return o.Cluster.List(ctx, s)
}

func (o *outage) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	if err := o.lost(); err != nil {
		return nil, err
	}
	return o.Cluster.Write(ctx, w)
}

// twoClusters is six units that lie in two clusters by turns; the third wave holds one of each.
type twoClusters struct {
	fleet    *cutovertest.Fleet
	plan     *cutover.Plan
	clusters map[string]cutover.Cluster
	bad      *outage
	simple   *cutovertest.Cluster // what lies behind bad
}

func newTwoClusters(t *testing.T) *twoClusters {
	t.Helper()
	f := cutovertest.New(nil)
	a, b := f.AddCluster("aks-eastus-01", "eastus", 4), f.AddCluster("aks-eastus-02", "eastus", 4)
	for i := range 6 {
		[]*cutovertest.Cluster{a, b}[i%2].Deploy(cutovertest.App{Namespace: fmt.Sprintf("team-%02d", i), Name: "web"})
	}
	settle(t)
	f.ResetTally()
	p := planFor(t, f, &cutover.PlanOptions{
		Soak: 10 * time.Minute, Limits: cutover.Limits{Bake: -1},
		Order: func(a, b cutover.Unit) int { return strings.Compare(a.Namespace, b.Namespace) },
	})
	out := &twoClusters{fleet: f, plan: p, clusters: f.Clusters(), simple: b}
	out.bad = &outage{Cluster: out.clusters["aks-eastus-02"]}
	out.clusters["aks-eastus-02"] = out.bad
	return out
}

// journal is one of the two.
func (w *twoClusters) journal(t *testing.T, kind string) cutover.Journal {
	t.Helper()
	if kind == "file" {
		j, err := cutover.OpenJournal(filepath.Join(t.TempDir(), "journal"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		return j
	}
	j, err := cutover.NewConfigMapJournal(w.clusters, "ops")
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func (w *twoClusters) runner(t *testing.T, j cutover.Journal, onEvent func(cutover.Event)) *cutover.Runner {
	t.Helper()
	r, err := cutover.NewRunner(w.clusters, j, cutovertest.PassGates(), &cutover.Options{Trust: w.fleet, Exchanger: w.fleet, Oracle: w.fleet, OnEvent: onEvent})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// want compares where the units stand, by number, with "State" or "State hold".
func (w *twoClusters) want(t *testing.T, rep *cutover.Report, what string, want ...string) {
	t.Helper()
	if len(rep.Units) != 6 {
		t.Fatalf("%s: the report covers %d units of 6", what, len(rep.Units))
	}
	for i, is := range want {
		for _, u := range rep.Units {
			if strings.Contains(u.ID, fmt.Sprintf("/team-%02d/", i)) && strings.TrimSpace(string(u.State)+" "+string(u.Hold)) != is {
				t.Errorf("%s: %s is %s %s (%s), want %s", what, u.ID, u.State, u.Hold, u.Reason, is)
			}
		}
	}
}

func TestAClusterThatDoesNotAnswerHoldsItsOwnUnitsAndNoOthers(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"file", "config map"} {
		bubble(t, kind, func(t *testing.T) {
			w := newTwoClusters(t)
			j := w.journal(t, kind)
			r := w.runner(t, j, func(e cutover.Event) {
				if e.Type == cutover.EventWave && strings.HasPrefix(e.Message, "wave quarter") {
					w.bad.down.Store(true)
				}
			})
			rep, err := r.Run(t.Context(), w.plan)
			if err != nil {
				t.Errorf("a unit that is held is no error: %v", err)
			}
			// The journal in the cluster cannot be asked about the unit that was Done there.
			lost := map[string]string{"file": "Done", "config map": "Held unreachable"}[kind]
			w.want(t, rep, "run", "Done", lost, "Done", "Held unreachable", "Planned")
			if rep, err = r.Run(t.Context(), w.plan); err != nil {
				t.Error(err)
			}
			w.want(t, rep, "run again", "Done", lost, "Done", "Held unreachable", "Planned")
			if rep, err = r.Status(t.Context(), w.plan); err != nil {
				t.Error(err)
			}
			w.want(t, rep, "status", "Done", lost, "Done")

			begin := time.Now()
			var first time.Time
			rep, err = w.runner(t, j, func(e cutover.Event) {
				if e.Type == cutover.EventUndo && e.Cluster == "aks-eastus-01" && first.IsZero() {
					first = e.Time
				}
			}).Rollback(t.Context(), w.plan)
			if kind == "config map" && err == nil {
				t.Error("what could not be rolled back is an error of Rollback")
			}
			back := map[string]string{"file": "RollingBack unreachable", "config map": "Held unreachable"}[kind]
			w.want(t, rep, "rollback", "RolledBack", back, "RolledBack")
			if first.IsZero() || first.Sub(begin) > time.Second {
				t.Errorf("the other cluster's rollback began after %s: it waited for the one that does not answer", first.Sub(begin))
			}
			if _, err = r.Abort(t.Context(), w.plan); err == nil && kind == "config map" {
				t.Error("what could not be aborted is an error of Abort")
			}

			w.bad.down.Store(false)
			rep, err = r.Rollback(t.Context(), w.plan)
			if err != nil {
				t.Fatal(err)
			}
			w.want(t, rep, "rollback once it answers again", "RolledBack", "RolledBack", "RolledBack")
			wantNoHarm(t, w.fleet)
		})
	}
}

func TestARecordThatMakesNoSenseHoldsItsOwnUnitAndNoOther(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]string{"half a record": `{"schema":1,"unit":"aks-eas`, "a newer version's": `{"schema":99,"cluster":"aks-eastus-02"}`} {
		bubble(t, name, func(t *testing.T) {
			w := newTwoClusters(t)
			r := w.runner(t, w.journal(t, "config map"), nil)
			rep, err := r.Run(t.Context(), w.plan)
			if err != nil {
				t.Fatal(err)
			}
			w.want(t, rep, "before", "Done", "Done", "Done", "Done", "Done", "Done")
			maps, err := w.simple.List(t.Context(), cutover.Selection{APIVersion: "v1", Kind: "ConfigMap", Namespace: "ops"})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range maps {
				if unit, _, _ := unstructured.NestedString(m.Object, "data", "unit"); strings.Contains(unit, "team-03") {
					w.simple.Edit("ConfigMap", "ops", m.GetName(), "kubectl", func(o map[string]any) { o["data"].(map[string]any)["record"] = record })
				}
			}
			var bad *cutover.UnreadableError
			rep, err = r.Status(t.Context(), w.plan)
			if !errors.As(err, &bad) || bad.Unit != "aks-eastus-02/team-03/web" {
				t.Errorf("got %v, want the error of the one record", err)
			}
			w.want(t, rep, "status", "Done", "Done", "Done", "Held unreachable", "Done", "Done")
			if rep, err = r.Rollback(t.Context(), w.plan); err == nil {
				t.Error("what could not be rolled back is an error")
			}
			w.want(t, rep, "rollback", "RolledBack", "RolledBack", "RolledBack", "Held unreachable", "RolledBack", "RolledBack")
		})
	}
}
