package cutover_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// addComponent puts NMI or MIC into the cluster, as an object that nothing runs.
func addComponent(t *testing.T, c *cutovertest.Cluster, kind, name string, labels, annotations map[string]any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"apiVersion": "apps/v1", "kind": kind,
		"metadata": map[string]any{"name": name, "namespace": "kube-system", "labels": labels, "annotations": annotations},
		"spec":     map[string]any{"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"component": name}}}}})
	if err != nil {
		t.Fatal(err)
	}
	ref := cutover.Ref{APIVersion: "apps/v1", Kind: kind, Namespace: "kube-system", Name: name}
	if _, err := c.WriteAs(t.Context(), "kubectl", cutover.Write{Verb: cutover.Create, Ref: ref, Body: body}); err != nil {
		t.Fatal(err)
	}
}

// movedCluster is a cluster whose one unit has been moved; its bindings, NMI and MIC are left.
func movedCluster(t *testing.T) *cutovertest.Cluster {
	t.Helper()
	f := cutovertest.New(nil)
	c := f.AddCluster("aks-eastus-01", "eastus", 3)
	c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
	settle(t)
	gates := cutovertest.PassGates()
	gates.Annotated = cutover.Eventually(cutover.InjectionProbe(0), time.Minute, time.Second)
	rep, err := runnerFor(t, f, cutovertest.NewJournal(), gates, nil).Run(t.Context(), planFor(t, f, &cutover.PlanOptions{KeepBindings: true}))
	if err != nil {
		t.Fatal(err)
	}
	wantStates(t, rep, cutover.Done)
	return c
}

func removalOf(t *testing.T, c cutover.Reader) *cutover.Removal {
	t.Helper()
	left, err := cutover.FindLeftovers(t.Context(), c, "aks-eastus-01", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := left.Removal()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRemoveDeletesWhatWasReviewedAndNothingElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := movedCluster(t)
		addComponent(t, c, "DaemonSet", "nmi", nil, nil)
		addComponent(t, c, "Deployment", "mic", nil, nil)
		r, before := removalOf(t, c), c.Dump()
		if _, err := cutover.Remove(t.Context(), c, r, nil); !errors.Is(err, cutover.ErrNotApproved) {
			t.Fatalf("without approval: %v", err)
		}
		forged := *r
		forged.Deletions = append(slices.Clone(r.Deletions), cutover.Leftover{Object: web, Role: cutover.RoleNMI})
		save := map[string]bool{}
		opts := &cutover.RemoveOptions{Approve: r.Digest, Save: func(_ context.Context, o *unstructured.Unstructured) error {
			save[o.GetKind()+"/"+o.GetName()] = true
			return nil
		}}
		if _, err := cutover.Remove(t.Context(), c, &forged, opts); !errors.Is(err, cutover.ErrNotApproved) {
			t.Fatalf("another removal than the reviewed one: %v", err)
		}
		if d := cmp.Diff(before, c.Dump()); d != "" {
			t.Fatal("changed without approval: " + d)
		}
		done, err := cutover.Remove(t.Context(), c, r, opts)
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, d := range done {
			order = append(order, d.String())
		}
		want := []string{"AzureIdentityBinding/shop-web-binding", "AzureIdentity/shop-web", "Deployment/mic", "DaemonSet/nmi"}
		if d := cmp.Diff(want, order); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(maps.Keys(save))); d != "" {
			t.Error("saved: " + d)
		}
		after := c.Dump()
		if len(before)-len(after) != len(want) {
			t.Errorf("%d objects of %d are left", len(after), len(before))
		}
		if again, err := cutover.Remove(t.Context(), c, r, opts); err != nil || len(again) != 0 {
			t.Errorf("again: %v, %v", again, err)
		}
	})
}

func TestRemovalRefusesWhileAnythingNeedsPodIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := cutovertest.New(nil)
		c := f.AddCluster("aks-eastus-01", "eastus", 3)
		c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
		settle(t)
		left, err := cutover.FindLeftovers(t.Context(), c, "aks-eastus-01", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = left.Removal()
		needed, ok := errors.AsType[*cutover.StillNeededError](err)
		if !ok || len(needed.Users) != 4 || !strings.Contains(err.Error(), "Deployment/web in namespace shop needs it: its pod template carries aadpodidbinding=shop-web (and 3 more)") {
			t.Errorf("%v", err)
		}
	})
}

func TestRemovalRefusesWhatItCannotRead(t *testing.T) {
	left, err := cutover.FindLeftovers(t.Context(), readerFuncs{list: func(s cutover.Selection) ([]*unstructured.Unstructured, error) {
		if s.Kind == "SecretProviderClass" {
			return nil, errors.New("forbidden")
		}
		return nil, nil
	}}, "c1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := left.Removal(); err == nil || !strings.Contains(err.Error(), "could not be read: SecretProviderClass") {
		t.Errorf("%v", err)
	}
}

func TestRemoveStopsAt(t *testing.T) {
	t.Parallel()
	keep := func(context.Context, *unstructured.Unstructured) error { return nil }
	for _, tc := range []struct {
		name   string
		change func(t *testing.T, c *cutovertest.Cluster)
		save   func(context.Context, *unstructured.Unstructured) error
		says   string
	}{
		{"an object that changed since the review", func(_ *testing.T, c *cutovertest.Cluster) {
			c.Edit("AzureIdentityBinding", "shop", "shop-web-binding", "kubectl", func(o map[string]any) { o["spec"].(map[string]any)["selector"] = "other" })
		}, keep, "changed since it was reviewed"},
		{"a new user of Pod Identity", func(_ *testing.T, c *cutovertest.Cluster) {
			c.Deploy(cutovertest.App{Namespace: "late", Name: "comer"})
		}, keep, "namespace late needs it"},
		{"what could not be saved", func(*testing.T, *cutovertest.Cluster) {}, func(context.Context, *unstructured.Unstructured) error { return errors.New("disk full") }, "not saved, and so not deleted: disk full"},
		{"an assigned identity that MIC does not drop", func(t *testing.T, c *cutovertest.Cluster) {
			ref := cutover.Ref{APIVersion: "aadpodidentity.k8s.io/v1", Kind: "AzureAssignedIdentity", Namespace: "default", Name: "stuck"}
			body := `{"apiVersion":"aadpodidentity.k8s.io/v1","kind":"AzureAssignedIdentity","metadata":{"name":"stuck","namespace":"elsewhere"}}`
			if _, err := c.WriteAs(t.Context(), "mic", cutover.Write{Verb: cutover.Create, Ref: ref, Body: json.RawMessage(body)}); err != nil {
				t.Fatal(err)
			}
		}, keep, "MIC is slow or stuck"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := movedCluster(t)
				addComponent(t, c, "Deployment", "mic", nil, nil)
				r := removalOf(t, c)
				tc.change(t, c)
				_, err := cutover.Remove(t.Context(), c, r, &cutover.RemoveOptions{Approve: r.Digest, Save: tc.save})
				if err == nil || !strings.Contains(err.Error(), tc.says) {
					t.Fatalf("%v, want %q", err, tc.says)
				}
				if _, there := c.Dump()["Deployment/kube-system/mic"]; !there {
					t.Error("MIC is gone")
				}
			})
		})
	}
}

func TestRemovalLeavesToOthersWhatIsTheirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := movedCluster(t)
		addComponent(t, c, "DaemonSet", "nmi", map[string]any{"kubernetes.azure.com/managedby": "aks"}, nil)
		addComponent(t, c, "Deployment", "mic", nil, map[string]any{"meta.helm.sh/release-name": "aad-pod-identity"})
		r := removalOf(t, c)
		for _, d := range r.Deletions {
			if d.Role == cutover.RoleNMI || d.Role == cutover.RoleMIC {
				t.Errorf("would delete %s of %s", d.Object, d.Owner)
			}
		}
		manual := strings.Join(r.Manual, "\n")
		for _, want := range []string{"az aks update --disable-pod-identity", "Helm release aad-pod-identity", "block 169.254.169.254", "role assignments"} {
			if !strings.Contains(manual, want) {
				t.Errorf("does not say %q:\n%s", want, manual)
			}
		}
	})
}
