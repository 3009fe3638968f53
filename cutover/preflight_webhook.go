package cutover

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// caExpiry is how soon the end of the webhook's CA is too soon to begin.
const caExpiry = 48 * time.Hour

// checkWebhook: the webhook is registered, would be asked about these pods, runs redundantly, and injects dry-run pods (PF04). Once a
// template is labelled no pod of it can be born without the webhook.
func checkWebhook(ctx context.Context, t Target, o PreflightOptions) []Evidence {
	hook, err := findWebhook(ctx, t.Cluster)
	if err != nil {
		return []Evidence{unclear("", "the webhook cannot be looked up: "+err.Error())}
	}
	if hook == nil {
		return []Evidence{failing("", "no webhook "+workloadid.WebhookName+" is registered", "enable workload identity on the cluster, or install the webhook")}
	}
	out := []Evidence{selects(ctx, t, hook), certificate(hook)}
	if hook.ClientConfig.Service != nil {
		out = append(out, endpoints(ctx, t.Cluster, hook.ClientConfig.Service), budget(ctx, t.Cluster, hook.ClientConfig.Service))
	}
	if hook.FailurePolicy != nil && *hook.FailurePolicy == admissionv1.Ignore {
		out = append(out, passed("", "warning: its failurePolicy is Ignore, so pods can be born without injection; every pod is judged during the whole soak"))
	}
	for _, w := range t.probed() {
		e, took := probe(ctx, t, w, o.probes(), Injection{Sidecar: t.strategy().Sidecar}) // not annotated yet: the client ID comes later
		out = append(out, e)
		if len(took) > 0 {
			out = append(out, o.promptly(w, took))
		}
	}
	return out
}

// promptly: admission of dry-run pods is quick. What is slow may be the webhook, the API server, or the way there, and may be quick again: it
// holds.
func (o PreflightOptions) promptly(w Workload, took []time.Duration) Evidence {
	most := o.ProbeTime
	number(&most, time.Second)
	slowest := took[(99*len(took)+99)/100-1]
	if most > 0 && slowest >= most {
		e := unclear(w.String(), fmt.Sprintf("99 %% of %d dry-run pods were admitted within %s", len(took), slowest.Round(time.Millisecond)))
		e.Want = "within " + most.String() + ": a webhook that hangs holds up every pod of the workload"
		return e
	}
	return passed(w.String(), fmt.Sprintf("%d dry-run pods were admitted within %s each", len(took), slowest.Round(time.Millisecond)))
}

func (o PreflightOptions) probes() int {
	if o.Probes <= 0 {
		return DefaultProbes
	}
	return o.Probes
}

// findWebhook finds the webhook by its own name: the configuration's name differs between installs. Nil for none.
func findWebhook(ctx context.Context, r Reader) (*admissionv1.MutatingWebhook, error) {
	configs, err := list(ctx, r, Selection{APIVersion: "admissionregistration.k8s.io/v1", Kind: "MutatingWebhookConfiguration"})
	if err != nil {
		return nil, err
	}
	for _, c := range configs {
		var config admissionv1.MutatingWebhookConfiguration
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(c.Object, &config); err != nil {
			return nil, err
		}
		for i := range config.Webhooks {
			if config.Webhooks[i].Name == workloadid.WebhookName {
				return &config.Webhooks[i], nil
			}
		}
	}
	return nil, nil
}

// selects: the selectors of the webhook take labelled pods of the unit's namespace.
func selects(ctx context.Context, t Target, hook *admissionv1.MutatingWebhook) Evidence {
	object := "Namespace/" + t.Unit.Namespace
	ns, err := get(ctx, t.Cluster, Ref{APIVersion: "v1", Kind: "Namespace", Name: t.Unit.Namespace})
	if err != nil || ns == nil {
		return unclear(object, fmt.Sprintf("cannot be read: %v", err))
	}
	takesPods, err := takes(hook.ObjectSelector, labels.Set{workloadid.UseLabel: workloadid.UseValue})
	takesNamespace, err2 := takes(hook.NamespaceSelector, ns.GetLabels())
	switch {
	case errors.Join(err, err2) != nil:
		return unclear(object, "the webhook's selectors cannot be read: "+errors.Join(err, err2).Error())
	case !takesPods:
		return failing(object, "the webhook's objectSelector does not take pods labelled "+workloadid.UseLabel, "the selector that it is shipped with")
	case !takesNamespace:
		return failing(object, "the webhook's namespaceSelector leaves the namespace out", "a namespace that it selects")
	}
	return passed(object, "the webhook selects its labelled pods")
}

func takes(selector *metav1.LabelSelector, set labels.Set) (bool, error) {
	if selector == nil {
		return true, nil
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(set), err
}

// certificate: the CA that the API server trusts the webhook by does not end soon.
func certificate(hook *admissionv1.MutatingWebhook) Evidence {
	block, _ := pem.Decode(hook.ClientConfig.CABundle)
	if block == nil {
		return unclear("", "the webhook has no caBundle to judge")
	}
	ca, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return unclear("", "the webhook's caBundle cannot be read: "+err.Error())
	}
	if left := time.Until(ca.NotAfter); left < caExpiry {
		return failing("", "the webhook's CA ends at "+ca.NotAfter.UTC().Format(time.RFC3339), "a CA that lasts; rotate it first")
	}
	return passed("", "the webhook's CA lasts")
}
