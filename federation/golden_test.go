package federation_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenInput is input.json of a case.
type goldenInput struct {
	Options struct {
		Topology string             `json:"topology"`
		Prune    bool               `json:"prune"`
		Rebuilt  federation.Rebuilt `json:"rebuilt"`
	} `json:"options"`
	Catalog catalog.Catalog  `json:"catalog"`
	State   federation.State `json:"state"`
}

// Each folder of testdata/plans holds an estate and the plan that it gets, as JSON and as a reviewer reads it.
func TestGoldenPlans(t *testing.T) {
	cases, err := filepath.Glob("testdata/plans/*/input.json")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range cases {
		dir := filepath.Dir(path)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var in goldenInput
			if err := json.Unmarshal(raw, &in); err != nil {
				t.Fatal(err)
			}
			topology, err := federation.ParseTopology(in.Options.Topology)
			if err != nil {
				t.Fatal(err)
			}
			p := mustPlan(t, &in.Catalog, in.State, &federation.PlanOptions{Topology: topology, Prune: in.Options.Prune, Rebuilt: in.Options.Rebuilt})
			var saved, shown bytes.Buffer
			if err := federation.Save(&saved, p); err != nil {
				t.Fatal(err)
			}
			if err := p.Show(&shown); err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join(dir, "plan.json"), saved.Bytes())
			golden(t, filepath.Join(dir, "plan.txt"), shown.Bytes())
		})
	}
}

// golden compares with a file, or writes it under -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (run with -update to accept):\n%s", path, diff)
	}
}
