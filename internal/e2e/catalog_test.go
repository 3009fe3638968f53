package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/e2e/assets"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/objects"
	"github.com/wimigrate/wimigrate/internal/e2e/process"
	"github.com/wimigrate/wimigrate/internal/e2e/seed"
)

// catalogued shows that the catalog of live clusters with all that a catalog can find is the catalog of their dumps.
func catalogued(t *testing.T, f *fleet.Fleet) {
	refused, err := seed.LongTail(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if len(refused) > 0 { // of manifests that were written to be applied
		t.Errorf("the API servers refused %d objects:\n%s", len(refused), strings.Join(refused, "\n"))
	}
	live, files := fleetFiles(t, f)

	var fromLive, fromFiles *catalog.Catalog
	fleet.Await(t, "the clusters to be still while both are read", func() (bool, error) {
		before := scan(t, f, live)
		for _, c := range f.Clusters {
			dump, err := c.Dump(t.Context())
			if err != nil {
				return false, err
			}
			dir := filepath.Join(filepath.Dir(files), c.Name)
			if err := os.RemoveAll(dir); err != nil {
				return false, err
			}
			if err := objects.WriteDump(dir, dump); err != nil {
				return false, err
			}
		}
		fromFiles, fromLive = scan(t, f, files), scan(t, f, live)
		return cmp.Equal(asJSON(t, before), asJSON(t, fromLive)), nil
	})
	if diff := cmp.Diff(asJSON(t, fromFiles), asJSON(t, fromLive)); diff != "" {
		t.Errorf("live (+) differs from the dumps (-):\n%s", diff)
	}
	t.Logf("%d needs, %d findings", len(fromLive.Needs), len(fromLive.Findings))
	if len(fromLive.Needs) < 20 {
		t.Errorf("the long tail is too short to show anything: %d needs", len(fromLive.Needs))
	}
	everyFinding(t, fromLive)
	t.Run("and the main job prints the same for both", func(t *testing.T) { mainJob(t, f, live, files) })
}

// notLive are the rules that this fleet cannot show, and why.
var notLive = map[catalog.Code]string{
	catalog.IdentityGone:        "only a source that reads ARM knows what exists there",
	catalog.CrossRegionIdentity: "only a source that reads ARM knows locations",
	catalog.AddOnMismatch:       "only a source that reads ARM knows the add-on's profile",
	catalog.IdentityDrift:       "it compares clusters of one region, of which seed makes one",
	catalog.BindingMissing:      "what a cluster lacks, another of its region has, of which seed makes one",
	catalog.CoverageGap:         "the administrator may read everything",
	catalog.FederationLimit:     "it is the federation planner's",
	catalog.DeadIssuer:          "it is the federation planner's",
	catalog.UnknownSubject:      "it is the federation planner's",
}

// everyFinding checks that live clusters show each rule of the catalog, but for those that they cannot.
func everyFinding(t *testing.T, cat *catalog.Catalog) {
	t.Helper()
	found := map[catalog.Code]int{}
	for _, f := range cat.Findings {
		found[f.Code]++
	}
	for _, rule := range catalog.Rules() {
		why, cannot := notLive[rule.Code]
		switch n := found[rule.Code]; {
		case n == 0 && !cannot:
			t.Errorf("no live finding of %s: %s", rule.Code, rule.Meaning)
		case n > 0 && cannot:
			t.Errorf("%d live findings of %s, which cannot be: %s", n, rule.Code, why)
		}
	}
}

// fleetFiles writes two fleet files in folders of their own: one that names contexts, one that names dumps.
func fleetFiles(t *testing.T, f *fleet.Fleet) (live, files string) {
	t.Helper()
	live, files = filepath.Join(t.TempDir(), "fleet.yaml"), filepath.Join(t.TempDir(), "fleet.yaml")
	for path, snapshots := range map[string]bool{live: false, files: true} {
		if err := f.WriteFleetFile(path, snapshots); err != nil {
			t.Fatal(err)
		}
	}
	return live, files
}

func scan(t *testing.T, f *fleet.Fleet, file string) *catalog.Catalog {
	t.Helper()
	loaded, err := catalog.LoadFleet(file)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Scan(t.Context(), loaded.Sources(&catalog.FleetSourceOptions{
		Kubeconfig: f.Kubeconfig(), Live: &catalog.LiveOptions{Heuristics: true}}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// mainJob runs examples/fleet as its users do, once on the live contexts and once on the dumps.
func mainJob(t *testing.T, f *fleet.Fleet, live, files string) {
	program := filepath.Join(t.TempDir(), "fleet")
	if err := assets.BuildLocal(t.Context(), filepath.Join("..", ".."), "./examples/fleet", program); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"table", "json", "markdown"} {
		t.Run(format, func(t *testing.T) {
			fromLive, fromFiles := output(t, f, program, format, live), output(t, f, program, format, files)
			if diff := cmp.Diff(fromFiles, fromLive); diff != "" {
				t.Errorf("live (+) differs from the dumps (-):\n%s", diff)
			}
		})
	}
}

func output(t *testing.T, f *fleet.Fleet, program, format, file string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "-format", format, "-fleet", file)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+f.Kubeconfig())
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	process.Tie(cmd)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	return stdout.String()
}
