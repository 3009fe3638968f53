package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/e2e/nmi"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
)

const both = `
apiVersion: v1
kind: Namespace
metadata: {name: payments}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: api
  namespace: payments
  annotations: {azure.workload.identity/client-id: $CLIENT}
---
apiVersion: aadpodidentity.k8s.io/v1
kind: AzureIdentity
metadata: {name: payments, namespace: payments}
spec: {type: 0, clientID: $CLIENT, resourceID: $RESOURCE}
---
apiVersion: aadpodidentity.k8s.io/v1
kind: AzureIdentityBinding
metadata: {name: payments, namespace: payments}
spec: {azureIdentity: payments, selector: payments}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: old, namespace: payments}
spec:
  replicas: 2
  selector: {matchLabels: {app: old}}
  template:
    metadata: {labels: {app: old, aadpodidbinding: payments}}
    spec:
      serviceAccountName: api
      containers:
      - name: app
        image: wimigrate.test/workload:1
        env: [{name: WORKLOAD_CLIENT_ID, value: $CLIENT}, {name: WORKLOAD_PERIOD, value: 200ms}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: new, namespace: payments}
spec:
  replicas: 2
  selector: {matchLabels: {app: new}}
  template:
    metadata: {labels: {app: new, azure.workload.identity/use: "true"}}
    spec:
      serviceAccountName: api
      initContainers:
      - {name: first, image: wimigrate.test/workload:1}
      containers:
      - name: app
        image: wimigrate.test/workload:1
        env: [{name: WORKLOAD_PERIOD, value: 200ms}]
`

func TestPodsReallyTakeTokensOnBothPaths(t *testing.T) {
	f := fleet.StartFleet(t, fleet.Spec{})
	c := f.Clusters[0]
	if err := c.AwaitNMI(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := f.Identity("rg-payments", "id-payments")
	store, err := f.Azure.Store()
	if err != nil {
		t.Fatal(err)
	}
	err = store.Put(t.Context(), id, federation.Credential{
		Name: "payments", Issuer: c.Issuer(), Subject: "system:serviceaccount:payments:api", Audience: credentialtest.ExchangeAudience})
	if err != nil {
		t.Fatal(err)
	}
	manifests := strings.NewReplacer("$CLIENT", id.ClientID, "$RESOURCE", id.ResourceID).Replace(both)
	if err := c.Objects.ApplyYAML(t.Context(), []byte(manifests)); err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{"old": workload.PathPodIdentity, "new": workload.PathWorkloadIdentity}
	fleet.Await(t, "four pods to have taken ten tokens each", func() (bool, error) {
		ready := 0
		for _, r := range c.Reports() {
			if r.Broken != "" || r.Failed > 0 || r.Wrong > 0 {
				t.Fatalf("%+v", r)
			}
			if !r.Init && r.Taken >= 10 && r.Path == paths[r.Labels["app"]] {
				ready++
			}
		}
		return ready == 4, nil
	})
	if n := count(c.Reports(), func(r kubelet.PodReport) bool { return r.Init && r.Taken == 1 && r.Ended }); n != 2 {
		t.Errorf("%d init containers took their token and ended, want 2: %+v", n, c.Reports())
	}
	used, err := c.NMIRequests(t.Context(), "payments")
	if err != nil || used == 0 {
		t.Errorf("NMI's counters show %d requests of the namespace: %v", used, err)
	}

	if err := c.Scale(context.WithoutCancel(t.Context()), "payments", "Deployment", "new", 0); err != nil {
		t.Fatal(err)
	}
	fleet.Await(t, "the processes of deleted pods to end", func() (bool, error) {
		return count(c.Reports(), func(r kubelet.PodReport) bool { return r.Labels["app"] == "new" && !r.Ended }) == 0, nil
	})
	t.Run("a node whose port somebody has is told of at once", func(t *testing.T) { takenPorts(t, c) })
}

// takenPorts takes a port of the next two nodes before they come.
func takenPorts(t *testing.T, c *fleet.Cluster) {
	names := c.Nodes.Names()
	first, err := c.NMI.Node(names[0])
	if err != nil {
		t.Fatal(err)
	}
	network := strings.TrimSuffix(first.Address, ".1")
	for i, port := range []int{nmi.GatewayPort, nmi.MetricsPort} {
		address := fmt.Sprintf("%s.%d:%d", network, len(names)+1+i, port)
		taken, err := net.Listen("tcp4", address)
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		if err := c.AddNodes(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		fleet.Await(t, "an error that names "+address, func() (bool, error) {
			if err := c.AwaitNMI(t.Context()); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), address) {
				return false, fmt.Errorf("got %w", err)
			}
			return true, nil
		})
	}
}

func TestManagedModeServesPodsByTheirBindingWithoutMIC(t *testing.T) {
	spec := fleet.Spec{NoWebhook: true}
	spec.NMI.NMI.Managed = true
	spec.NMI.ScaleSet = true
	f := fleet.StartFleet(t, spec)
	c := f.Clusters[0]
	if err := c.AwaitNMI(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := f.Identity("rg", "id-managed")
	attached, err := f.Azure.Identity(t.Context(), id.ClientID)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.NMI.Attach(c.Nodes.Names()[0], attached); err != nil {
		t.Fatal(err)
	}
	a := app.App{Namespace: "managed", Name: "managed", Identity: id, Replicas: 2, OnPodIdentity: true, Period: 200 * time.Millisecond}
	if err := c.Apply(t.Context(), a.YAML()); err != nil {
		t.Fatal(err)
	}
	fleet.Await(t, "two pods to take tokens", func() (bool, error) {
		return count(c.Reports(), func(r kubelet.PodReport) bool {
			return r.Taken >= 3 && r.Failed == 0 && r.Identities[id.ClientID] == r.Taken
		}) == 2, nil
	})
	t.Run("a cluster that was not rebuilt is stopped once", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := f.Rebuild(ctx, c.Name); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		if err := errors.Join(f.Err(), f.Stop()); err != nil {
			t.Error(err)
		}
	})
}

func count(all []kubelet.PodReport, match func(kubelet.PodReport) bool) int {
	n := 0
	for _, r := range all {
		if match(r) {
			n++
		}
	}
	return n
}
