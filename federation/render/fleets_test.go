package render_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/lint"
	"github.com/wimigrate/wimigrate/federation/render"
)

// Fleets that nobody wrote by hand, under every topology: what is rendered grants exactly what the plan wants, less what is named as
// left out, holds no issuer, and is as terraform fmt writes it.
func TestRandomFleetsAreRenderedExactly(t *testing.T) {
	t.Parallel()
	fleets := map[string]*catalogtest.Fleet{"small": catalogtest.Small()}
	for seed := range uint64(3) {
		fleets[fmt.Sprintf("seed %d", seed)] = catalogtest.Random(seed, nil)
	}
	for name, fleet := range fleets {
		cat, err := catalog.Reconcile(fleet.Snapshots, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, topology := range federation.Topologies() {
			t.Run(name+" "+topology.Name, func(t *testing.T) {
				plan := planOf(t, cat, nil, &federation.PlanOptions{Topology: topology})
				terraform, err := render.Terraform(plan, cat, nil)
				exactly(t, plan, terraform, err, func() ([]render.Trust, error) { return render.ReadTerraform(terraform, issuersOf(cat), nil) })
				aso, err := render.ASO(plan, cat, nil)
				exactly(t, plan, aso, err, func() ([]render.Trust, error) { return render.ReadYAML(aso, issuersOf(cat), nil) })
				for path, text := range terraform {
					if !bytes.Equal(hclwrite.Format(text), text) {
						t.Errorf("%s is not as terraform fmt writes it", path)
					}
				}
			})
		}
	}
}

func exactly(t *testing.T, plan *federation.Plan, files render.Files, err error, read func() ([]render.Trust, error)) {
	t.Helper()
	out := 0
	if left, ok := errors.AsType[*render.LeftOutError](err); ok {
		out = len(left.Items)
	} else if err != nil {
		t.Fatal(err)
	}
	got, err := read()
	if err != nil {
		t.Fatal(err)
	}
	want := render.Wanted(plan)
	if len(want) == 0 || len(got)+out != len(want) {
		t.Errorf("%d read and %d left out of %d wanted", len(got), out, len(want))
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("nobody wants %+v", g)
		}
	}
	for path, text := range files {
		for _, f := range lint.File(path, text, nil) {
			t.Errorf("%s:%d holds an issuer", f.File, f.Line)
		}
	}
}
