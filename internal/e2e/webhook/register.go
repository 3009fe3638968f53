package webhook

import (
	"cmp"
	"context"
	"fmt"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/pki"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// ConfigurationName is the name under which all releases register.
const ConfigurationName = "azure-wi-webhook-mutating-webhook-configuration"

// Registration is what of the registration may be other than in the published chart.
type Registration struct {
	// Ignore is failure policy Ignore, as releases before v1.0 had; default Fail.
	Ignore bool
	// WrongCA names an authority that did not sign the webhook's certificate.
	WrongCA bool
	// Seconds is how long the API server waits for an answer; 0 means 10, as published.
	Seconds int32
}

// Register makes the API server call the webhook for new pods that carry the label, replacing an earlier registration. The rules are
// those of the published chart; only the address differs: a URL in place of a Service, because the webhook is a process on loopback.
func (w *Webhook) Register(ctx context.Context, r Registration) error {
	bundle := w.cfg.Authority.PEM
	if r.WrongCA {
		other, err := pki.NewAuthority("an authority that signed nothing")
		if err != nil {
			return err
		}
		bundle = other.PEM
	}
	configurations := w.cfg.Client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	err := configurations.Delete(ctx, ConfigurationName, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("webhook: %s: register: %w", w.cfg.Cluster, err)
	}
	if _, err := configurations.Create(ctx, w.configuration(bundle, r), metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("webhook: %s: register: %w", w.cfg.Cluster, err)
	}
	return nil
}

func (w *Webhook) configuration(bundle []byte, r Registration) *admissionregistration.MutatingWebhookConfiguration {
	var (
		policy     = admissionregistration.Fail
		match      = admissionregistration.Equivalent
		reinvoke   = admissionregistration.IfNeededReinvocationPolicy
		sideEffect = admissionregistration.SideEffectClassNone
		scope      = admissionregistration.AllScopes
		url        = w.server.URL + path
		timeout    = cmp.Or(r.Seconds, 10)
	)
	if r.Ignore {
		policy = admissionregistration.Ignore
	}
	return &admissionregistration.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: ConfigurationName, Labels: map[string]string{"azure-workload-identity.io/system": "true"}},
		Webhooks: []admissionregistration.MutatingWebhook{{
			Name:         workloadid.WebhookName,
			ClientConfig: admissionregistration.WebhookClientConfig{URL: &url, CABundle: bundle},
			Rules: []admissionregistration.RuleWithOperations{{
				Operations: []admissionregistration.OperationType{admissionregistration.Create},
				Rule: admissionregistration.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"},
					Resources: []string{"pods"}, Scope: &scope},
			}},
			ObjectSelector:          &metav1.LabelSelector{MatchLabels: map[string]string{workloadid.UseLabel: workloadid.UseValue}},
			FailurePolicy:           &policy,
			MatchPolicy:             &match,
			ReinvocationPolicy:      &reinvoke,
			SideEffects:             &sideEffect,
			TimeoutSeconds:          &timeout,
			AdmissionReviewVersions: []string{"v1"},
		}},
	}
}
