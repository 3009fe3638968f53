package doubles_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

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

func bothPaths(t *testing.T, f *fleet.Fleet) {
	c, id := f.Clusters[0], f.Identity("rg-payments", "id-payments")
	if err := c.AwaitNMI(t.Context()); err != nil {
		t.Fatal(err)
	}
	trust(t, f, id, "payments", "api")
	manifests := strings.NewReplacer("$CLIENT", id.ClientID, "$RESOURCE", id.ResourceID).Replace(both)
	if err := c.Apply(t.Context(), manifests); err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{"old": workload.PathPodIdentity, "new": workload.PathWorkloadIdentity}
	fleet.Await(t, "four pods to have taken ten tokens each", func() (bool, error) {
		ready := 0
		for _, r := range reports(c, "payments") {
			if r.Broken != "" || r.Failed > 0 || r.Wrong > 0 {
				t.Fatalf("%+v", r)
			}
			if !r.Init && r.Taken >= 10 && r.Path == paths[r.Labels["app"]] {
				ready++
			}
		}
		return ready == 4, nil
	})
	all := reports(c, "payments")
	if n := count(all, func(r kubelet.PodReport) bool { return r.Init && r.Taken == 1 && r.Ended }); n != 2 {
		t.Errorf("%d init containers took their token and ended, want 2: %+v", n, all)
	}
	used, err := c.NMIRequests(t.Context(), "payments")
	if err != nil || used == 0 {
		t.Errorf("NMI's counters show %d requests of the namespace: %v", used, err)
	}

	if err := c.Scale(t.Context(), "payments", "Deployment", "new", 0); err != nil {
		t.Fatal(err)
	}
	fleet.Await(t, "the processes of deleted pods to end", func() (bool, error) {
		return count(living(c, "payments"), func(r kubelet.PodReport) bool { return r.Labels["app"] == "new" }) == 0, nil
	})
}

// takenPorts takes a port of the next two nodes before they come. They go with it.
func takenPorts(t *testing.T, f *fleet.Fleet) {
	c := f.Clusters[0]
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
	for _, name := range c.Nodes.Names()[len(names):] {
		if err := c.Nodes.Remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	fleet.Await(t, "NMI on the nodes that are left", func() (bool, error) { err := c.AwaitNMI(t.Context()); return err == nil, err })
}
