package cutover_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

func TestRegionsThatDifferByAServiceAccountAreTwinsAllTheSame(t *testing.T) {
	cat, _ := estate(t, 2, 4)
	more := catalog.Need{} // in the first region team-03 has one more service account on its identity
	for _, n := range cat.Needs {
		if n.Namespace == "team-03" && n.Cluster == cat.Clusters[0].Name {
			more = n
		}
	}
	more.ServiceAccount, more.Workloads = "an-extra", []catalog.WorkloadRef{{APIVersion: "apps/v1", Kind: "Deployment", Name: "extra"}}
	cat.Needs = append(cat.Needs, more)
	todo, err := federation.NewPlan(cat, federation.State{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fed, err := federation.NewPlan(cat, todo.After(federation.State{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	last := func(u cutover.Unit) int { return len(strings.TrimSuffix(u.Namespace, "3")) } // so that nothing but their kinship keeps them apart
	p, err := cutover.NewPlan(cat, fed, &cutover.PlanOptions{Order: func(a, b cutover.Unit) int { return last(b) - last(a) }})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Units) != 8 {
		t.Fatalf("%d units, blocked %+v", len(p.Units), p.Blocked)
	}
	for _, w := range p.Waves {
		region := map[string]string{}
		for _, id := range w.Units {
			u := p.Unit(id)
			if other, there := region[u.Namespace]; there && other != u.Region {
				t.Errorf("wave %s moves %s in %s and in %s", w.Name, u.Namespace, other, u.Region)
			}
			region[u.Namespace] = u.Region
		}
	}
}

func TestWavesGrowFromACanaryOverOnePerRegionToAQuarterAndTheRest(t *testing.T) {
	cat, fed := estate(t, 3, 8) // three regions, 24 units
	p, err := cutover.NewPlan(cat, fed, nil)
	if err != nil {
		t.Fatal(err)
	}
	type wave struct {
		Name    string
		Units   int
		Regions int
	}
	var got []wave
	for _, w := range p.Waves {
		regions := map[string]bool{}
		for _, id := range w.Units {
			regions[p.Unit(id).Region] = true
		}
		got = append(got, wave{w.Name, len(w.Units), len(regions)})
	}
	want := []wave{{"canary", 1, 1}, {"one per region", 3, 3}, {"quarter", 6, 3}}
	if diff := cmp.Diff(want, got[:3]); diff != "" {
		t.Errorf("waves (-want +got):\n%s", diff)
	}
	units := 0
	for _, w := range got {
		units += w.Units
	}
	if units != 24 {
		t.Errorf("%d units in waves", units)
	}
}
