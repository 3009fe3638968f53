package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// What the simulation claims about the API server is asked of a real one: the same questions, the same answers.
func TestTheSimulationSaysWhatARealAPIServerSays(t *testing.T) {
	t.Parallel()
	f := fleet.StartFleet(t, fleet.Spec{})
	c := f.Clusters[0]
	id := f.Identity("rg-shop", "id-web")
	shop := app.App{Namespace: "shop", Name: "web", Identity: id, Replicas: 3, OnPodIdentity: true}
	if err := c.Apply(t.Context(), shop.YAML()); err != nil {
		t.Fatal(err)
	}
	ops := `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"wimigrate"}}`
	if err := c.Apply(t.Context(), ops); err != nil {
		t.Fatal(err)
	}
	real, err := cutover.NewCluster(c.REST())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("ConfigMapJournal", func(t *testing.T) {
		cutovertest.TestJournal(t, c.Name, func(t *testing.T) cutover.Journal {
			j, err := cutover.NewConfigMapJournal(map[string]cutover.Cluster{c.Name: real}, "wimigrate")
			if err != nil {
				t.Fatal(err)
			}
			return j
		})
	})
	sim := cutovertest.New(nil).AddCluster("aks-eastus-01", "eastus", 3)
	sim.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
	for name, cluster := range map[string]cutover.Cluster{"the real API server": real, "the simulation": sim} {
		t.Run(name, func(t *testing.T) { writes(t, cluster) })
	}
	t.Run("a dry-run pod of the real one goes through the webhook and is not stored", func(t *testing.T) { dryRunPod(t, real, c, id.ClientID) })
}

var (
	shopDeployment = cutover.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
	shopAccount    = cutover.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "shop", Name: "web"}
)

// writes asks a cluster what it makes of the engine's writes when their preconditions do not hold, and when they do.
func writes(t *testing.T, c cutover.Cluster) {
	d := current(t, c, shopDeployment)
	annotate := json.RawMessage(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"web","namespace":"shop","annotations":{"example.com/a":"1"}}}`)
	const unbind = `[{"op":"test","path":"/spec/template/metadata/labels/aadpodidbinding","value":%q},
		{"op":"remove","path":"/spec/template/metadata/labels/aadpodidbinding"}]`
	const old = "00000000-0000-4000-8000-000000000000"
	label, _, _ := unstructured.NestedString(d.Object, "spec", "template", "metadata", "labels", "aadpodidbinding")
	with := func(r cutover.Ref, uid string) cutover.Ref { r.UID = uid; return r }
	for _, w := range []struct {
		name  string
		write cutover.Write
		code  int
	}{
		{"an apply with another UID is 422", cutover.Write{Verb: cutover.Apply, Ref: with(shopAccount, old), Body: annotate}, http.StatusUnprocessableEntity},
		{"an apply with a UID to what is gone is a conflict and makes nothing", cutover.Write{Verb: cutover.Apply, Ref: cutover.Ref{
			APIVersion: "v1", Kind: "ServiceAccount", Namespace: "shop", Name: "gone", UID: old},
			Body: json.RawMessage(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"gone","namespace":"shop"}}`)}, http.StatusConflict},
		{"an apply with an old resource version is a conflict", cutover.Write{Verb: cutover.Apply, Ref: shopAccount, ResourceVersion: "1", Body: annotate}, http.StatusConflict},
		{"a patch whose test fails is 422", cutover.Write{Verb: cutover.Patch, Ref: shopDeployment, Body: fmt.Appendf(nil, unbind, "other")}, http.StatusUnprocessableEntity},
		{"a patch with another UID is 422", cutover.Write{Verb: cutover.Patch, Ref: with(shopDeployment, old), Body: fmt.Appendf(nil, unbind, label)}, http.StatusUnprocessableEntity},
		{"a patch with an old resource version is a conflict", cutover.Write{Verb: cutover.Patch, Ref: shopDeployment, ResourceVersion: "1",
			Body: fmt.Appendf(nil, unbind, label)}, http.StatusConflict},
		{"a selector is immutable", cutover.Write{Verb: cutover.Patch, Ref: shopDeployment,
			Body: json.RawMessage(`[{"op":"add","path":"/spec/selector/matchLabels/more","value":"x"},{"op":"add","path":"/spec/template/metadata/labels/more","value":"x"}]`)}, http.StatusUnprocessableEntity},
		{"a deletion with another UID is a conflict", cutover.Write{Verb: cutover.Delete, Ref: with(shopAccount, old)}, http.StatusConflict},
		{"a creation of what is there is a conflict", cutover.Write{Verb: cutover.Create, Ref: shopAccount,
			Body: json.RawMessage(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"web","namespace":"shop"}}`)}, http.StatusConflict},
		{"a well guarded apply is made", cutover.Write{Verb: cutover.Apply, Ref: with(shopAccount, string(current(t, c, shopAccount).GetUID())), Body: annotate}, 0},
	} {
		t.Run(w.name, func(t *testing.T) {
			_, err := c.Write(t.Context(), w.write)
			code := 0
			if status := apierrors.APIStatus(nil); err != nil && errors.As(err, &status) {
				code = int(status.Status().Code)
			}
			if code != w.code || (err != nil) != (w.code != 0) {
				t.Errorf("got %d (%v), want %d", code, err, w.code)
			}
		})
	}
	gone := cutover.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "shop", Name: "gone"}
	if _, err := c.Get(t.Context(), gone); !apierrors.IsNotFound(err) {
		t.Errorf("a refused apply left something behind: %v", err)
	}
	if got := current(t, c, shopAccount).GetAnnotations()["example.com/a"]; got != "1" {
		t.Errorf("the annotation is %q", got)
	}
}

func current(t *testing.T, c cutover.Cluster, r cutover.Ref) *unstructured.Unstructured {
	t.Helper()
	o, err := c.Get(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// dryRunPod annotates the account and waits until a dry-run pod shows it: the webhook reads accounts from an informer.
func dryRunPod(t *testing.T, real cutover.Cluster, c *fleet.Cluster, clientID string) {
	body := fmt.Appendf(nil, `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"web","namespace":"shop","annotations":{%q:%q}}}`, workloadid.ClientIDAnnotation, clientID)
	if _, err := real.Write(t.Context(), cutover.Write{Verb: cutover.Apply, Ref: shopAccount, Body: body}); err != nil {
		t.Fatal(err)
	}
	account := cutover.Account{Ref: shopAccount}
	account.Identity.ClientID = clientID
	target := cutover.Target{Cluster: real, Unit: &cutover.Unit{Accounts: []cutover.Account{account}}, Workloads: []cutover.Workload{
		{Ref: shopDeployment, ServiceAccount: "web", Template: []string{"spec", "template"}}}}
	v := cutover.Eventually(cutover.InjectionProbe(2), settled, 100*time.Millisecond)(t.Context(), target)
	if v.Result != cutover.Pass {
		t.Errorf("%+v", v)
	}
	pods, err := real.List(t.Context(), cutover.Selection{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Labels: workloadid.UseLabel})
	if err != nil || len(pods) != 0 {
		t.Errorf("%d labelled pods are stored: %v", len(pods), err)
	}
	if reports := c.Reports(); len(reports) > 3 {
		t.Errorf("%d processes run, want those of 3 replicas", len(reports))
	}
}
