package e2e_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// leftovers finds what is left of Pod Identity in a cluster where one application still needs it, and removes it when none does.
func leftovers(t *testing.T, f *fleet.Fleet, o *operator) {
	c := f.Clusters[0]
	cluster := o.clusters[c.Name]
	legacy := app.App{Namespace: "legacy", Name: "legacy", Identity: f.Identity("rg-legacy", "id-legacy"), Replicas: 2, OnPodIdentity: true}
	exception := "---\napiVersion: " + podidentity.GroupVersion + "\nkind: AzurePodIdentityException\nmetadata: {name: collector, namespace: legacy}\nspec: {podLabels: {app: collector}}\n"
	if err := c.Apply(t.Context(), legacy.YAML()+exception); err != nil {
		t.Fatal(err)
	}
	fleet.Await(t, "tokens by Pod Identity", func() (bool, error) { return count(c.Reports(), ofNamespace("legacy")) == 2, nil })
	left := find(t, cluster, c.Name)
	var needed *cutover.StillNeededError
	if _, err := left.Removal(); !errors.As(err, &needed) || !strings.Contains(err.Error(), "legacy") {
		t.Errorf("got %v, want that legacy needs it", err)
	}
	t.Logf("still needed: %v", needed)
	if err := c.Client.AppsV1().Deployments("legacy").Delete(t.Context(), "legacy", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	fleet.Await(t, "the end of legacy", func() (bool, error) { return len(find(t, cluster, c.Name).Users) == 0, nil })

	plan := removal(t, cluster, c.Name)
	var roles []string
	for _, d := range plan.Deletions {
		roles = append(roles, string(d.Role))
	}
	if want := []string{"binding", "identity", "exception", "mic", "nmi"}; !slices.Equal(roles, want) {
		t.Errorf("deletions of %v, want %v", roles, want)
	}
	saved := map[string]bool{}
	opts := &cutover.RemoveOptions{Save: func(_ context.Context, o *unstructured.Unstructured) error {
		saved[objectName(c.Name, o)] = true
		return nil
	}}
	if done, err := cutover.Remove(t.Context(), cluster, plan, opts); !errors.Is(err, cutover.ErrNotApproved) || len(done) > 0 {
		t.Errorf("without approval: %v, %v", done, err)
	}
	opts.Approve = plan.Digest
	changed := plan.Deletions[0].Object
	editAsSomebody(t, c, changed, func(o map[string]any) { o["metadata"].(map[string]any)["labels"] = map[string]any{"looked": "at"} })
	if done, err := cutover.Remove(t.Context(), cluster, plan, opts); err == nil || len(done) > 0 || !strings.Contains(err.Error(), "changed since it was reviewed") {
		t.Errorf("after %s was changed: %v, %v", changed, done, err)
	}
	before := dumpFleet(t, f)
	plan = removal(t, cluster, c.Name)
	opts.Approve = plan.Digest
	done, err := cutover.Remove(t.Context(), cluster, plan, opts)
	if err != nil || len(done) != len(plan.Deletions) {
		t.Fatalf("%d of %d: %v", len(done), len(plan.Deletions), err)
	}
	if objects := find(t, cluster, c.Name).Objects; len(objects) > 0 {
		t.Errorf("left: %+v", objects)
	}
	after := dumpFleet(t, f)
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if after[name] == nil && !saved[name] {
			t.Errorf("%s is gone too", name)
		}
	}
	if len(before)-len(after) != len(done) {
		t.Errorf("%d objects before, %d after, %d removed", len(before), len(after), len(done))
	}
	t.Logf("removed, and saved before: %v; for a person: %s", slices.Sorted(maps.Keys(saved)), strings.Join(plan.Manual, "; "))
}

func find(t *testing.T, c cutover.Cluster, name string) *cutover.Leftovers {
	t.Helper()
	left, err := cutover.FindLeftovers(t.Context(), c, name, nil)
	if err != nil || len(left.Unread) > 0 {
		t.Fatalf("%v: %v", left.Unread, err)
	}
	return left
}

func removal(t *testing.T, c cutover.Cluster, name string) *cutover.Removal {
	t.Helper()
	plan, err := find(t, c, name).Removal()
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
