package assets_test

import (
	"slices"
	"testing"

	"github.com/wimigrate/wimigrate/internal/e2e/assets"
	"github.com/wimigrate/wimigrate/internal/e2e/objects"
)

func TestTheDefinitionsOfArgoRolloutsAreThoseOfItsModule(t *testing.T) {
	if testing.Short() {
		t.Skip("may download the module")
	}
	documents, err := assets.RolloutDefinitions(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := objects.Parse(documents)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range all {
		names = append(names, o.GetName())
	}
	slices.Sort(names)
	want := []string{"analysisruns.argoproj.io", "analysistemplates.argoproj.io", "clusteranalysistemplates.argoproj.io", "experiments.argoproj.io", "rollouts.argoproj.io"}
	if !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
}
