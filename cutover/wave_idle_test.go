package cutover_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

// TestIdleUnitsComeLast: a unit that runs no pod is held until it does, and a held unit holds up every wave behind its own.
func TestIdleUnitsComeLast(t *testing.T) {
	cat := &catalog.Catalog{}
	zero := int32(0)
	var snaps []*catalog.Snapshot
	for c, region := range []string{"eastus", "westeurope"} {
		cluster := catalog.Cluster{Name: "aks-" + region, Region: region, Issuer: "https://" + region + "/", PodIdentityMode: catalog.ModeManaged, Coverage: catalog.Coverage{Complete: true}}
		cat.Clusters = append(cat.Clusters, cluster)
		snap := &catalog.Snapshot{Cluster: cluster}
		for n := range 6 {
			name := fmt.Sprintf("app-%d", n)
			ref := catalog.WorkloadRef{APIVersion: "apps/v1", Kind: "Deployment", Name: name}
			cat.Needs = append(cat.Needs, catalog.Need{Cluster: cluster.Name, Namespace: name, ServiceAccount: name, Bindings: []string{name}, Selector: name,
				Identity:  catalog.Identity{Kind: catalog.UserAssigned, Name: name, ResourceID: fmt.Sprintf("/subscriptions/s/resourceGroups/g%d/providers/Microsoft.ManagedIdentity/userAssignedIdentities/%s", c, name), ClientID: fmt.Sprint(c, n), TenantID: "t"},
				Workloads: []catalog.WorkloadRef{ref}, State: catalog.StatePodIdentity})
			w := catalog.Workload{Meta: catalog.Meta{APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: name, Name: name}}
			if n < 2 {
				w.Replicas = &zero
			}
			snap.Workloads = append(snap.Workloads, w)
		}
		snaps = append(snaps, snap)
	}
	todo, err := federation.NewPlan(cat, federation.State{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	done, err := federation.NewPlan(cat, todo.After(federation.State{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := cutover.NewPlan(cat, done, &cutover.PlanOptions{Snapshots: snaps})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	units := 0
	for _, wave := range plan.Waves {
		names = append(names, wave.Name)
		units += len(wave.Units)
		for _, id := range wave.Units {
			u := plan.Unit(id)
			if idle := u.Namespace == "app-0" || u.Namespace == "app-1"; idle != (wave.Name == "idle" || wave.Name == "idle 2") {
				t.Errorf("%s is in wave %q", id, wave.Name)
			}
		}
	}
	if units != 12 || !slices.IsSorted(names[len(names)-2:]) || names[len(names)-1] != "idle 2" {
		t.Errorf("%d units in waves %v", units, names)
	}
}
