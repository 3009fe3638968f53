package e2e_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
)

// propagation is how long Entra's double takes to honour a change.
const propagation = 2 * time.Second

// federated shows that what federation applies to ARM is what pods can exchange, there and nowhere else.
func federated(t *testing.T, f *fleet.Fleet) {
	id := f.Identity("rg-payments", "id-payments")
	payments := app.App{Namespace: "payments", Name: "api", Identity: id, Replicas: 3, OnPodIdentity: true, OnWorkloadIdentity: true,
		InitContainer: true, Period: 200 * time.Millisecond}
	for _, c := range f.Clusters {
		if err := c.Apply(t.Context(), payments.YAML()); err != nil {
			t.Fatal(err)
		}
	}
	store, err := f.Azure.Store()
	if err != nil {
		t.Fatal(err)
	}

	// The pods start before anything trusts them: their credential has to wait, not fail.
	plan := applyPlan(t, f, store)
	if n := plan.Count(federation.Create); n != 2 {
		t.Errorf("the plan creates %d credentials, want one for each cluster: %+v", n, plan.Changes)
	}
	awaitTokens(t, f, 6, id.ClientID, false)
	prove(t, f, plan)
	negatives(t, f, store, id, firstPod(t, f))
	t.Run("a rebuilt cluster is refused until its new issuer replaces the old one", func(t *testing.T) { rebuilt(t, f, store, payments) })
}

// applyPlan reads the live fleet, plans, applies through ARM's endpoint and shows that nothing is left to do.
func applyPlan(t *testing.T, f *fleet.Fleet, store federation.Store) *federation.Plan {
	t.Helper()
	plan := planNow(t, f, store)
	report, err := federation.Apply(t.Context(), store, plan, nil)
	if err != nil {
		t.Fatalf("%v: %+v", err, report)
	}
	if again := planNow(t, f, store); !again.Converged() {
		t.Errorf("after the apply something is pending: %+v", again.Changes)
	}
	return plan
}

func planNow(t *testing.T, f *fleet.Fleet, store federation.Store) *federation.Plan {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fleet.yaml")
	if err := f.WriteFleetFile(file, false); err != nil {
		t.Fatal(err)
	}
	cat := scan(t, f, file)
	have, err := federation.Observe(t.Context(), store, cat, nil)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := federation.NewPlan(cat, have, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// awaitTokens waits until so many living pods take tokens of the identity by workload identity, and fails on any failed token, but for those that
// pods miss where the key of their token was withdrawn: until the API server is up again and they have another, nobody can help them.
func awaitTokens(t *testing.T, f *fleet.Fleet, pods int, clientID string, withdrawn bool) {
	t.Helper()
	fleet.Await(t, fmt.Sprintf("%d pods to take tokens by workload identity", pods), func() (bool, error) {
		good := 0
		for _, r := range f.Reports() {
			missed := r.Failed > 0 && !(withdrawn && strings.Contains(r.LastError, "AADSTS7000272"))
			if r.Broken != "" || missed || r.Wrong > 0 {
				t.Fatalf("a pod failed: %+v", r)
			}
			if !r.Ended && r.Taken >= 5 && r.Paths[workload.PathWorkloadIdentity] == r.Taken && r.Identities[clientID] == r.Taken {
				good++
			}
		}
		return good >= pods, nil
	})
}

// prove runs the library's own proof from the operator's desk: a minted token of each cluster, exchanged three times.
func prove(t *testing.T, f *fleet.Fleet, plan *federation.Plan) {
	t.Helper()
	mint := func(ctx context.Context, target federation.ProofTarget) (string, error) {
		return f.Cluster(target.Cluster).Mint(ctx, target.Namespace, target.ServiceAccount)
	}
	targets := plan.Targets(nil)
	for i := range targets {
		targets[i].Identity.TenantID = azure.TenantID // an AzureIdentity of type 0 names no tenant
	}
	proofs, err := federation.Prove(t.Context(), targets, mint, exchanger(f), &federation.ProveOptions{Settle: -1, Every: 50 * time.Millisecond})
	if err != nil || len(proofs) != 2 {
		t.Errorf("%d proofs, want 2: %v", len(proofs), err)
	}
}

func exchanger(f *fleet.Fleet) federation.Exchanger {
	exchange := f.Azure.Exchange()
	return func(ctx context.Context, tenantID, clientID, assertion string) (federation.Claims, error) {
		c, err := exchange(ctx, tenantID, clientID, assertion)
		return federation.Claims{ClientID: c.ClientID, TenantID: c.TenantID, ResourceID: c.ResourceID}, err
	}
}

func firstPod(t *testing.T, f *fleet.Fleet) kubelet.PodReport {
	t.Helper()
	all := f.Reports()
	i := slices.IndexFunc(all, func(r kubelet.PodReport) bool { return !r.Init && !r.Ended })
	if i < 0 {
		t.Fatal("no pod runs")
	}
	return all[i]
}

// rebuilt replaces a cluster. What trusted the old issuer refuses the new one; the plan replaces it in place, and pods recover.
func rebuilt(t *testing.T, f *fleet.Fleet, store federation.Store, a app.App) {
	c := f.Cluster("aks-eastus-01")
	before := c.Issuer()
	moving := newResident(f, c, "Deployment", "moving", 1, time.Second)
	moving.Hollow = true
	moving.deploy(t)
	planned := newOperator(t, f, moving.Namespace).plansByNamespace(t, cutover.PlanOptions{Soak: -1})[moving.Namespace]
	if err := f.Rebuild(t.Context(), c.Name); err != nil {
		t.Fatal(err)
	}
	if c.Issuer() == before {
		t.Fatalf("the rebuilt cluster still has the issuer %s", before)
	}
	planOfRebuilt(t, f, planned)
	if err := c.Apply(t.Context(), a.YAML()); err != nil {
		t.Fatal(err)
	}
	token, err := c.Mint(t.Context(), a.Namespace, a.Name)
	if err != nil {
		t.Fatal(err)
	}
	awaitExchange(t, f, a.Identity, token, 700211)
	plan := planNow(t, f, store)
	if n := plan.Count(federation.Replace); n != 1 || plan.Count(federation.Create) != 0 {
		t.Errorf("the plan replaces %d credentials, want 1 and nothing created: %+v", n, plan.Changes)
	}
	applyPlan(t, f, store)
	awaitExchange(t, f, a.Identity, token)
	awaitTokens(t, f, 6, a.Identity.ClientID, true)
}
