package controlplane_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/internal/e2e/assets"
	"github.com/wimigrate/wimigrate/internal/e2e/controlplane"
	"github.com/wimigrate/wimigrate/internal/e2e/pki"
)

func start(t *testing.T) *controlplane.ControlPlane {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	programs, err := assets.Ensure(t.Context(), assets.ControlPlane(), &assets.Options{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	authority, err := pki.NewAuthority("controlplane test")
	if err != nil {
		t.Fatal(err)
	}
	c, err := controlplane.Start(t.Context(), controlplane.Config{Name: "one", Dir: t.TempDir(), Programs: programs, Authority: authority, JobSeconds: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestAClusterRunsWorkloadsAndPublishesItsKeys(t *testing.T) {
	c := start(t)
	client := kubernetes.NewForConfigOrDie(c.RESTConfig())

	t.Run("pods of a Deployment run on a kwok node with an address of that node", func(t *testing.T) {
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: "node-0", Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}},
			Spec:       corev1.NodeSpec{PodCIDR: "127.9.3.0/24", PodCIDRs: []string{"127.9.3.0/24"}},
			Status: corev1.NodeStatus{
				Capacity:    nodeSize(),
				Allocatable: nodeSize(),
				Addresses:   []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "127.9.255.1"}},
			},
		}
		if _, err := client.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		createDeployment(t, client, 3)
		pods := awaitRunning(t, client, 3)
		for _, p := range pods {
			if !strings.HasPrefix(p.Status.PodIP, "127.9.3.") || p.Status.HostIP != "127.9.255.1" {
				t.Errorf("pod %s has address %s on node %s", p.Name, p.Status.PodIP, p.Status.HostIP)
			}
		}
	})

	t.Run("a rotated key signs, and old tokens die only when the old key is dropped", func(t *testing.T) {
		first := keyIDs(t, c)
		if err := c.RotateSigningKey(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if got := keyIDs(t, c); len(got) != 2 {
			t.Errorf("%d keys are published after a rotation that keeps the old one, want 2", len(got))
		}
		if err := c.RotateSigningKey(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if got := keyIDs(t, c); len(got) != 1 || got[0] == first[0] {
			t.Errorf("published keys %v, want one, and not %v", got, first)
		}
	})

	if err := c.Err(); err != nil {
		t.Error(err)
	}
}

func nodeSize() corev1.ResourceList {
	return corev1.ResourceList{"cpu": resource.MustParse("64"), "memory": resource.MustParse("256Gi"), "pods": resource.MustParse("200")}
}

func createDeployment(t *testing.T, client kubernetes.Interface, replicas int32) {
	t.Helper()
	labels := map[string]string{"app": "web"}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default"},
		Spec: appsv1.DeploymentSpec{Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web"}}}}},
	}
	if _, err := client.AppsV1().Deployments("default").Create(t.Context(), d, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func awaitRunning(t *testing.T, client kubernetes.Interface, want int) []corev1.Pod {
	t.Helper()
	var running []corev1.Pod
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		pods, err := client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{FieldSelector: "status.phase=Running"})
		if err != nil {
			return false, err
		}
		running = pods.Items
		return len(running) == want, nil
	})
	if err != nil {
		t.Fatalf("%d pods run, want %d: %v", len(running), want, err)
	}
	return running
}

// keyIDs reads the published keys as Entra does: without a token, from where the discovery document says.
func keyIDs(t *testing.T, c *controlplane.ControlPlane) []string {
	t.Helper()
	client, err := rest.HTTPClientFor(rest.AnonymousClientConfig(c.RESTConfig()))
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
