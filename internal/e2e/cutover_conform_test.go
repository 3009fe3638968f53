package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// What the simulation claims about the API server is asked of a real one: the same questions, the same answers.
func TestTheSimulationSaysWhatARealAPIServerSays(t *testing.T) {
	inTurn(t, short)
	f := commonFleet(t)
	c := f.Clusters[0]
	id := f.Identity("rg-shop", "id-web")
	shop := app.App{Namespace: "shop", Name: "web", Identity: id, Replicas: 3, OnPodIdentity: true}
	if err := c.Apply(t.Context(), shop.YAML()); err != nil {
		t.Fatal(err)
	}
	const journals = "conform"
	if err := c.Apply(t.Context(), namespaceYAML(journals)); err != nil {
		t.Fatal(err)
	}
	real, err := cutover.NewCluster(c.REST())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("ConfigMapJournal", func(t *testing.T) {
		cutovertest.TestJournal(t, c.Name, func(t *testing.T) cutover.Journal {
			j, err := cutover.NewConfigMapJournal(map[string]cutover.Cluster{c.Name: real}, journals)
			if err != nil {
				t.Fatal(err)
			}
			return j
		})
	})
	t.Run("a dry-run pod of the real one goes through the webhook and is not stored", func(t *testing.T) { dryRunPod(t, real, c, id.ClientID) })
	sim := cutovertest.New(&cutovertest.Options{Pace: 0.01}).AddCluster("aks-eastus-01", "eastus", 3)
	sim.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
	for name, cluster := range map[string]cutover.Cluster{"the real API server": real, "the simulation": sim} {
		t.Run(name, func(t *testing.T) { cutovertest.TestCluster(t, cluster) })
	}
}

var (
	shopDeployment = cutover.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
	shopAccount    = cutover.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "shop", Name: "web"}
)

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
	v := cutover.Eventually(cutover.InjectionProbe(2), time.Minute, 100*time.Millisecond)(t.Context(), target)
	if v.Result != cutover.Pass {
		t.Errorf("%+v", v)
	}
	pods, err := real.List(t.Context(), cutover.Selection{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Labels: workloadid.UseLabel})
	if err != nil || len(pods) != 0 {
		t.Errorf("%d labelled pods are stored: %v", len(pods), err)
	}
	if n := count(c.Reports(), ofNamespace("shop")); n > 3 {
		t.Errorf("%d processes run, want those of 3 replicas", n)
	}
}
