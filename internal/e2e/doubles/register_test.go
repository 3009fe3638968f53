package doubles_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/webhook"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// registrations shows what each way to register does to new pods while the webhook is up, down or not to be trusted.
func registrations(t *testing.T, c *fleet.Cluster) {
	for _, k := range []struct {
		name         string
		registration webhook.Registration
		behaviour    webhook.Behaviour
		unlabelled   bool
		client       string // AZURE_CLIENT_ID of a new pod
		refused      string // part of the refusal
	}{
		{name: "under Ignore pods are born without an identity while it takes longer than it may", registration: webhook.Registration{Ignore: true, Seconds: 2},
			behaviour: webhook.Behaviour{Delay: 3 * time.Second}},
		{name: "under Fail a slow webhook is waited for", registration: webhook.Registration{Seconds: 2}, behaviour: webhook.Behaviour{Delay: time.Second}, client: "client-1"},
		{name: "under Fail one that takes longer than it may refuses labelled pods", registration: webhook.Registration{Seconds: 2},
			behaviour: webhook.Behaviour{Delay: 3 * time.Second}, refused: "deadline exceeded"},
		{name: "under Ignore pods are injected while the webhook is up", registration: webhook.Registration{Ignore: true}, client: "client-1"},
		{name: "under Ignore pods are born without an identity while it is down", registration: webhook.Registration{Ignore: true}, behaviour: webhook.Behaviour{Down: true}},
		{name: "under Ignore and an authority that signed nothing likewise", registration: webhook.Registration{Ignore: true, WrongCA: true}},
		{name: "under Fail an authority that signed nothing refuses labelled pods", registration: webhook.Registration{WrongCA: true}, refused: "x509: certificate signed by unknown authority"},
		{name: "and lets other pods be", registration: webhook.Registration{WrongCA: true}, unlabelled: true},
		{name: "under Fail a webhook that is down refuses labelled pods", behaviour: webhook.Behaviour{Down: true}, refused: "failed calling webhook"},
		{name: "all is well again once it is up", client: "client-1"},
	} {
		t.Run(k.name, func(t *testing.T) {
			c.Webhook.Behave(k.behaviour)
			awaitRegistration(t, c, k.registration)
			p := newPod(nil)
			if k.unlabelled {
				p.Labels = nil
			}
			got, err := c.Client.CoreV1().Pods(p.Namespace).Create(t.Context(), p, metav1.CreateOptions{})
			switch {
			case k.refused != "":
				if err == nil || !strings.Contains(err.Error(), k.refused) {
					t.Errorf("got %v, want a refusal that names %q", err, k.refused)
				}
			case err != nil:
				t.Error(err)
			case env(got.Spec.Containers[0], workloadid.EnvClientID) != k.client:
				t.Errorf("the pod got client ID %q, want %q", env(got.Spec.Containers[0], workloadid.EnvClientID), k.client)
			}
		})
	}
}

// awaitRegistration registers and waits until the API server goes by it, which takes it a moment. How long it waits for an answer cannot be
// seen at once, so a registration that differs in this must differ from the one before in something else.
func awaitRegistration(t *testing.T, c *fleet.Cluster, r webhook.Registration) {
	t.Helper()
	if err := c.Webhook.Register(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	behaviour := c.Webhook.Behaviour()
	defer c.Webhook.Behave(behaviour)
	fleet.Await(t, "the API server to go by the registration", func() (bool, error) {
		state, called := observed(t, c)
		state.Seconds = r.Seconds
		return called && state == r, nil
	})
}

// observed tells a registration by its effects: on a pod while the webhook is down, and on one that a webhook which answers denies.
func observed(t *testing.T, c *fleet.Cluster) (r webhook.Registration, called bool) {
	t.Helper()
	try := func(b webhook.Behaviour, p *corev1.Pod) error {
		c.Webhook.Behave(b)
		_, err := admit(t, c, p)
		return err
	}
	before := failedOpen(t, c)
	err := try(webhook.Behaviour{Down: true}, newPod(nil))
	r.Ignore = failedOpen(t, c) > before
	called = r.Ignore || err != nil
	err = try(webhook.Behaviour{}, newPod(func(p *corev1.Pod) { p.Annotations[workloadid.TokenExpirationAnnotation] = "1" }))
	r.WrongCA = err == nil || strings.Contains(err.Error(), "x509")
	return r, called
}

// failedOpen is how many requests the API server has let pass because the webhook could not be called, by its own count.
func failedOpen(t *testing.T, c *fleet.Cluster) string {
	t.Helper()
	metrics, err := c.Client.CoreV1().RESTClient().Get().AbsPath("/metrics").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(metrics)) {
		if strings.HasPrefix(line, "apiserver_admission_webhook_fail_open_count{") && strings.Contains(line, workloadid.WebhookName) {
			return fmt.Sprintf("%20s", strings.Fields(line)[1]) // comparable
		}
	}
	return ""
}
