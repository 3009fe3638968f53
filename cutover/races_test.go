package cutover_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// busy is a cluster in which somebody writes to each Deployment right before we do, for so long from our first try.
type busy struct {
	cutover.Cluster
	sim   *cutovertest.Cluster
	lasts time.Duration
	since *time.Time
}

// Write implements cutover.Cluster.
func (b busy) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	if w.Ref.Kind == "Deployment" {
		if b.since.IsZero() {
			*b.since = time.Now()
		}
		if time.Since(*b.since) < b.lasts {
			b.sim.Edit(w.Ref.Kind, w.Ref.Namespace, w.Ref.Name, "somebody", func(o map[string]any) {
				meta := o["metadata"].(map[string]any)
				meta["annotations"] = map[string]any{"seen": meta["resourceVersion"]}
			})
		}
	}
	return b.Cluster.Write(ctx, w)
}

// Who writes to a workload for seconds is outlasted; who never stops is somebody that a person must look at.
func TestLostRacesAreTriedAgainForSeconds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lasts time.Duration
		want  cutover.State
	}{"three seconds": {3 * time.Second, cutover.Done}, "an hour": {time.Hour, cutover.Frozen}} {
		bubble(t, name, func(t *testing.T) {
			f := cutovertest.New(nil)
			sim := f.AddCluster("aks-eastus-01", "eastus", 3)
			sim.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
			settle(t)
			p := planFor(t, f, &cutover.PlanOptions{Soak: -1})
			clusters := map[string]cutover.Cluster{"aks-eastus-01": busy{f.Clusters()["aks-eastus-01"], sim, c.lasts, new(time.Time)}}
			r, err := cutover.NewRunner(clusters, cutovertest.NewJournal(), cutovertest.PassGates(), &cutover.Options{Trust: f, Exchanger: f, Oracle: f})
			if err != nil {
				t.Fatal(err)
			}
			rep := mustRun(t, r, p)
			if u := rep.Units[0]; u.State != c.want || c.want == cutover.Frozen && !strings.Contains(u.Reason, "lost every race") {
				t.Errorf("%s: %s, want %s", u.State, u.Reason, c.want)
			}
		})
	}
}

// quick is a cluster in which a tool puts the old label back before our write has even returned.
type quick struct {
	cutover.Cluster
	sim *cutovertest.Cluster
}

// Write implements cutover.Cluster.
func (q quick) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	o, err := q.Cluster.Write(ctx, w)
	if w.Ref.Kind == "Deployment" && err == nil {
		q.sim.Edit(w.Ref.Kind, w.Ref.Namespace, w.Ref.Name, "argocd-controller", func(o map[string]any) {
			o["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)[oldLabel] = "shop-web"
		})
	}
	return o, err
}

// What nobody ever saw on the object is no lost race where the write was taken: it was put back, by somebody with a name.
func TestAToolThatIsQuickerThanALookIsNotTakenForALostRace(t *testing.T) {
	t.Parallel()
	bubble(t, "quick", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		p := planFor(t, f, nil)
		r, err := cutover.NewRunner(map[string]cutover.Cluster{"aks-eastus-01": quick{f.Clusters()["aks-eastus-01"], c}}, cutovertest.NewJournal(),
			cutovertest.PassGates(), &cutover.Options{Trust: f, Exchanger: f, Oracle: f})
		if err != nil {
			t.Fatal(err)
		}
		wantFrozen(t, mustRun(t, r, p), "put back twice by argocd-controller")
		wantNoHarm(t, f)
	})
}
