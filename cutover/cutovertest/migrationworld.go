package cutovertest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

func (w World) workload() cutover.Ref { return w.Plan.Units[0].Workloads[0].Ref }

func (w World) runner(t *testing.T, g cutover.Gates) *cutover.Runner {
	t.Helper()
	return w.runnerOn(t, NewJournal(), g, nil)
}

func (w World) runnerOn(t *testing.T, j cutover.Journal, g cutover.Gates, o *cutover.Options) *cutover.Runner {
	t.Helper()
	r, err := cutover.NewRunner(map[string]cutover.Cluster{w.Plan.Units[0].Cluster: w.Cluster}, j, g, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run runs the plan once and judges where the unit stands; the reason must contain says.
func (w World) run(t *testing.T, r *cutover.Runner, state cutover.State, says string) {
	t.Helper()
	rep, err := r.Run(t.Context(), w.Plan)
	w.judge(t, rep, err, state, says)
}

func (w World) rollback(t *testing.T, r *cutover.Runner) {
	t.Helper()
	rep, err := r.Rollback(t.Context(), w.Plan)
	w.judge(t, rep, err, cutover.RolledBack, "")
}

func (w World) judge(t *testing.T, rep *cutover.Report, err error, state cutover.State, says string) {
	t.Helper()
	if err != nil || len(rep.Units) != 1 {
		t.Fatalf("%d units: %v", len(rep.Units), err)
	}
	if u := rep.Units[0]; u.State != state || !strings.Contains(u.Reason, says) || len(u.Left) > 0 {
		t.Fatalf("%s is %s: %s (left alone: %v); want %s: …%s…", u.ID, u.State, u.Reason, u.Left, state, says)
	}
}

func (w World) get(t *testing.T, r cutover.Ref) *unstructured.Unstructured {
	t.Helper()
	o, err := w.Cluster.Get(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func field(t *testing.T, w World, r cutover.Ref, path ...string) any {
	t.Helper()
	v, _, err := unstructured.NestedFieldNoCopy(w.get(t, r).Object, path...)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// spec is the workload's, as it is now.
func (w World) spec(t *testing.T) map[string]any {
	t.Helper()
	spec, _, err := unstructured.NestedMap(w.get(t, w.workload()).Object, "spec")
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// pods counts the workload's pods that stay: those without the old label, and those with it.
func (w World) pods(ctx context.Context, t *testing.T) (unbound, bound int) {
	t.Helper()
	all, err := w.Cluster.List(ctx, cutover.Selection{APIVersion: "v1", Kind: "Pod", Namespace: w.workload().Namespace})
	if err != nil {
		t.Error(err)
	}
	for _, p := range all {
		switch {
		case p.GetDeletionTimestamp() != nil:
		case p.GetLabels()[podidentity.Label] == "":
			unbound++
		default:
			bound++
		}
	}
	return unbound, bound
}

// templates counts the ReplicaSets or revisions that the workload has had.
func (w World) templates(t *testing.T) int {
	t.Helper()
	kind := "ControllerRevision"
	if k := w.workload().Kind; k == "Deployment" || k == "Rollout" {
		kind = "ReplicaSet"
	}
	all, err := w.Cluster.List(t.Context(), cutover.Selection{APIVersion: "apps/v1", Kind: kind, Namespace: w.workload().Namespace})
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// expectMoved judges the end of a move: the template's labels have changed and nothing else of the spec, the service account is
// annotated, the bindings and identities are gone, and no pod has the old label.
func (w World) expectMoved(t *testing.T, before map[string]any) {
	t.Helper()
	unit := w.Plan.Units[0]
	want := (&unstructured.Unstructured{Object: before}).DeepCopy().Object
	path := append(slices.Clone(unit.Workloads[0].Template[1:]), "metadata", "labels")
	labels, _, err := unstructured.NestedStringMap(want, path...)
	if err != nil {
		t.Fatal(err)
	}
	labels = maps.Clone(labels)
	delete(labels, podidentity.Label)
	labels[workloadid.UseLabel] = workloadid.UseValue
	if err := unstructured.SetNestedStringMap(want, labels, path...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, w.spec(t)); diff != "" {
		t.Errorf("%s: want (-), got (+):\n%s", w.workload(), diff)
	}
	a := unit.Accounts[0]
	if got := w.get(t, a.Ref).GetAnnotations()[workloadid.ClientIDAnnotation]; got != a.Identity.ClientID {
		t.Errorf("%s is annotated with %q", a.Ref, got)
	}
	for _, r := range append(slices.Clone(unit.Bindings), unit.Identities...) {
		if _, err := w.Cluster.Get(t.Context(), r); !apierrors.IsNotFound(err) {
			t.Errorf("%s is there: %v", r, err)
		}
	}
	if _, bound := w.pods(t.Context(), t); bound > 0 && w.workload().Kind != "CronJob" { // whose old runs may still be listed
		t.Errorf("%d pods have the old label", bound)
	}
}

// expectBack judges the end of a way back: everything is as it was.
func (w World) expectBack(t *testing.T, before map[string]any) {
	t.Helper()
	unit := w.Plan.Units[0]
	if diff := cmp.Diff(before, w.spec(t)); diff != "" {
		t.Errorf("%s: before (-), after (+):\n%s", w.workload(), diff)
	}
	for _, r := range []cutover.Ref{w.workload(), unit.Accounts[0].Ref} {
		for key := range w.get(t, r).GetAnnotations() {
			if key == workloadid.ClientIDAnnotation || key == cutover.CrumbAnnotation || key == cutover.UnbindAnnotation {
				t.Errorf("%s still has annotation %s", r, key)
			}
		}
	}
	for _, r := range append(slices.Clone(unit.Bindings), unit.Identities...) {
		r.UID = "" // made again, it has another
		w.get(t, r)
	}
	if unbound, _ := w.pods(t.Context(), t); unbound > 0 && w.workload().Kind != "CronJob" {
		t.Errorf("%d pods are without the old label", unbound)
	}
}

// evictions counts those that were granted.
type evictions struct {
	cutover.Cluster

	made int
}

// Write implements cutover.Cluster.
func (e *evictions) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	out, err := e.Cluster.Write(ctx, w)
	if w.Verb == cutover.Evict && err == nil {
		e.made++
	}
	return out, err
}
