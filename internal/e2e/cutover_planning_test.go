package e2e_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

// plan reads the live fleet, applies the trust that is missing through ARM, and plans the cutover.
func (o *operator) plan(t *testing.T, opts cutover.PlanOptions) *cutover.Plan {
	t.Helper()
	cat, fed, snapshots := o.trust(t)
	opts.Snapshots = snapshots
	return newPlan(t, cat, fed, opts)
}

// plansByNamespace plans every namespace by itself.
func (o *operator) plansByNamespace(t *testing.T, opts cutover.PlanOptions) map[string]*cutover.Plan {
	t.Helper()
	cat, fed, snapshots := o.trust(t)
	opts.Snapshots = snapshots
	out := map[string]*cutover.Plan{}
	for _, n := range cat.Needs {
		if out[n.Namespace] == nil && n.State != catalog.StateWorkloadIdentity {
			part := *cat
			part.Needs = slices.DeleteFunc(slices.Clone(cat.Needs), func(m catalog.Need) bool { return m.Namespace != n.Namespace })
			out[n.Namespace] = newPlan(t, &part, fed, opts)
		}
	}
	return out
}

// trust applies what the federation plan of the live fleet says, and reads again: now nothing is pending.
func (o *operator) trust(t *testing.T) (*catalog.Catalog, *federation.Plan, []*catalog.Snapshot) {
	t.Helper()
	_, fed, _ := o.read(t)
	if report, err := federation.Apply(t.Context(), o.store, fed, nil); err != nil {
		t.Fatalf("%v: %+v", err, report)
	}
	t.Logf("federation: %d credentials created through ARM", fed.Count(federation.Create))
	cat, again, snapshots := o.read(t)
	if !again.Converged() {
		t.Fatalf("after the apply something is pending: %+v", again.Changes)
	}
	return cat, again, snapshots
}

func newPlan(t *testing.T, cat *catalog.Catalog, fed *federation.Plan, opts cutover.PlanOptions) *cutover.Plan {
	opts.Limits.CronSoak = -1 // the CronJobs of a test run at New Year, and when its load says so
	t.Helper()
	p, err := cutover.NewPlan(cat, fed, &opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range p.Blocked {
		t.Errorf("blocked: %+v", b)
	}
	return p
}

// read reads the live fleet and what its identities trust. Of what has moved the cluster tells only the client ID of its identity, so ARM
// is asked which resource that is.
func (o *operator) read(t *testing.T) (*catalog.Catalog, *federation.Plan, []*catalog.Snapshot) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fleet.yaml")
	if err := o.f.WriteFleetFile(file, false); err != nil {
		t.Fatal(err)
	}
	loaded, err := catalog.LoadFleet(file)
	if err != nil {
		t.Fatal(err)
	}
	snapshots, err := catalog.ReadAll(t.Context(), loaded.Sources(&catalog.FleetSourceOptions{Kubeconfig: o.f.Kubeconfig()}), nil)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Reconcile(snapshots, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.namespaces) > 0 {
		cat.Needs = slices.DeleteFunc(cat.Needs, func(n catalog.Need) bool { return !slices.Contains(o.namespaces, n.Namespace) })
	}
	if cat, err = federation.Resolve(t.Context(), o.store, cat, nil); err != nil {
		t.Fatal(err)
	}
	have, err := federation.Observe(t.Context(), o.store, cat, nil)
	if err != nil {
		t.Fatal(err)
	}
	fed, err := federation.NewPlan(cat, have, nil)
	if err != nil {
		t.Fatal(err)
	}
	return cat, fed, snapshots
}
