package doubles_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// plain is an application that no process stands for.
const plain = `
{apiVersion: v1, kind: Namespace, metadata: {name: plain}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: plain}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
`

func workloadsAndKeys(t *testing.T, f *fleet.Fleet) {
	c := f.Clusters[0]
	t.Run("pods of a Deployment run on kwok's nodes with an address of their node", func(t *testing.T) {
		if err := c.Apply(t.Context(), plain); err != nil {
			t.Fatal(err)
		}
		for _, p := range awaitRunning(t, c, "plain", 3) {
			node, err := c.Client.CoreV1().Nodes().Get(t.Context(), p.Spec.NodeName, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			pods, ip := netip.MustParsePrefix(node.Spec.PodCIDR), netip.MustParseAddr(p.Status.PodIP)
			if !pods.Contains(ip) || p.Status.HostIP != nodeAddress(t, c.Client, node.Name) {
				t.Errorf("pod %s has address %s on node %s: %+v", p.Name, ip, p.Status.HostIP, node)
			}
		}
	})

	t.Run("a rotated key signs, and old tokens die only when the old key is dropped", func(t *testing.T) {
		first := keyIDs(t, c)
		if err := c.Plane.RotateSigningKey(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if got := keyIDs(t, c); len(got) != 2 {
			t.Errorf("%d keys are published after a rotation that keeps the old one, want 2", len(got))
		}
		if err := c.Plane.RotateSigningKey(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if got := keyIDs(t, c); len(got) != 1 || got[0] == first[0] {
			t.Errorf("published keys %v, want one, and not %v", got, first)
		}
	})

	if err := c.Plane.Err(); err != nil {
		t.Error(err)
	}
}

func awaitRunning(t *testing.T, c *fleet.Cluster, namespace string, want int) (running []corev1.Pod) {
	t.Helper()
	fleet.Await(t, fmt.Sprintf("%d pods of %s to run", want, namespace), func() (bool, error) {
		pods, err := c.Client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "status.phase=Running"})
		if err != nil {
			return false, err
		}
		if running = pods.Items; len(running) != want {
			return false, fmt.Errorf("%d run", len(running))
		}
		return true, nil
	})
	return running
}

// keyIDs reads the published keys as Entra does: without a token, from where the discovery document says.
func keyIDs(t *testing.T, c *fleet.Cluster) []string {
	t.Helper()
	client, err := rest.HTTPClientFor(rest.AnonymousClientConfig(c.REST()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	var discovery struct{ Issuer, JWKS_URI string }
	getJSON(t, client, c.Issuer()+".well-known/openid-configuration", &discovery)
	if discovery.Issuer != c.Issuer() {
		t.Errorf("the discovery document names issuer %q, want %q", discovery.Issuer, c.Issuer())
	}
	var set struct{ Keys []struct{ Kid, Alg string } }
	getJSON(t, client, discovery.JWKS_URI, &set)
	var ids []string
	for _, k := range set.Keys {
		if k.Alg != "RS256" {
			t.Errorf("key %s is for %s, want RS256", k.Kid, k.Alg)
		}
		ids = append(ids, k.Kid)
	}
	return ids
}

func getJSON(t *testing.T, client *http.Client, url string, into any) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s: %v\n%s", url, resp.Status, err, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatal(err)
	}
}
