package doubles_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/webhook"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// webhookContract changes the webhook for the whole cluster, and leaves it as it was: the last way to register is the one of the start.
func webhookContract(t *testing.T, f *fleet.Fleet) {
	c := f.Clusters[0]
	defer c.Webhook.Behave(webhook.Behaviour{})
	if err := c.Apply(t.Context(), accounts); err != nil {
		t.Fatal(err)
	}
	awaitInjected(t, c, "client-1")
	injections(t, c)
	t.Run("the migration sidecar", func(t *testing.T) { sidecars(t, c) })
	t.Run("the ways to register", func(t *testing.T) { registrations(t, c) })
	t.Run("every second pod is left alone by a webhook with a sick replica", func(t *testing.T) { sickReplica(t, c) })
	t.Run("a lagging informer injects the annotation as it was", func(t *testing.T) { laggingInformer(t, c) })
}

func sickReplica(t *testing.T, c *fleet.Cluster) {
	c.Webhook.Behave(webhook.Behaviour{SkipEvery: 2})
	injected := 0
	for range 10 {
		got, err := admit(t, c, newPod(nil))
		if err != nil {
			t.Fatal(err)
		}
		if env(got.Spec.Containers[0], workloadid.EnvClientID) != "" {
			injected++
		}
	}
	if injected != 5 {
		t.Errorf("%d of 10 pods were injected, want 5", injected)
	}
}

func laggingInformer(t *testing.T, c *fleet.Cluster) {
	c.Webhook.Behave(webhook.Behaviour{InformerLag: time.Hour})
	if err := c.Apply(t.Context(), strings.ReplaceAll(accounts, "client-1", "client-2")); err != nil {
		t.Fatal(err)
	}
	got, err := admit(t, c, newPod(nil))
	if err != nil || env(got.Spec.Containers[0], workloadid.EnvClientID) != "client-1" {
		t.Errorf("got %+v, %v; want the old client ID", got, err)
	}
	c.Webhook.Behave(webhook.Behaviour{})
	awaitInjected(t, c, "client-2")
}

// awaitInjected waits until a pod of the account that is annotated gets this client ID.
func awaitInjected(t *testing.T, c *fleet.Cluster, client string) {
	t.Helper()
	fleet.Await(t, "the webhook to know the client ID "+client, func() (bool, error) {
		got, err := admit(t, c, newPod(nil))
		return err == nil && env(got.Spec.Containers[0], workloadid.EnvClientID) == client, err
	})
}

// admit has the API server and the webhook admit a pod, which is not kept.
func admit(t *testing.T, c *fleet.Cluster, p *corev1.Pod) (*corev1.Pod, error) {
	return c.Client.CoreV1().Pods(p.Namespace).Create(t.Context(), p, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
}
