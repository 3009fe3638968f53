package cutovertest

import (
	"context"
	"errors"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/pause"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// WebhookMode says how the Workload Identity webhook behaves.
type WebhookMode string

const (
	// WebhookUp means: it injects, from a picture of service accounts that lags.
	WebhookUp WebhookMode = ""
	// WebhookDown means: pods with the label are refused (failurePolicy Fail).
	WebhookDown WebhookMode = "down"
	// WebhookIgnored means: it is down and its failurePolicy is Ignore: pods are born without injection.
	WebhookIgnored WebhookMode = "ignored"
	// WebhookHalf means: every second pod is not injected.
	WebhookHalf WebhookMode = "half"
	// WebhookSlow means: it takes just less than the 10 seconds after which the API server would give up.
	WebhookSlow WebhookMode = "slow"
	// WebhookWrong means: it injects another client ID.
	WebhookWrong WebhookMode = "wrong"
	// WebhookNoProxy means: it does not know the migration proxy, and injects the rest.
	WebhookNoProxy WebhookMode = "noProxy"
	// WebhookNoRedirect means: it injects the migration proxy, and nothing that leads to it.
	WebhookNoRedirect WebhookMode = "noRedirect"
)

// webhook injects the new path into pods with the label.
type webhook struct {
	mode WebhookMode
	seen map[string][]sighting // by namespace/name
	asks int
	// ordinary: the migration proxy is no native sidecar.
	ordinary bool
}

// sighting is what a service account said from an instant on.
type sighting struct {
	at          time.Time
	annotations map[string]string
}

// SetWebhook changes how the webhook of the cluster behaves.
func (c *Cluster) SetWebhook(m WebhookMode) {
	c.begin()
	defer c.fleet.mu.Unlock()
	c.webhook.mode = m
}

// see remembers what a service account says now; pods will hear of it when the lag is over.
func (h *webhook) see(c *Cluster, sa *object) {
	key := sa.ns() + "/" + sa.name()
	lag := time.Duration(float64(c.fleet.opts.SALag) * c.fleet.opts.Pace)
	h.seen[key] = append(h.seen[key], sighting{c.fleet.now.Add(lag), sa.u().GetAnnotations()})
}

// picture is what the webhook knows of a service account.
func (h *webhook) picture(now time.Time, key string) (map[string]string, bool) {
	all := h.seen[key]
	for i, s := range slices.Backward(all) {
		if !s.at.After(now) || i == 0 {
			return s.annotations, true
		}
	}
	return nil, false
}

// admit lets a pod in that is about to be created, or refuses it: first the webhook, then the quotas.
func (c *Cluster) admit(pod map[string]any) error {
	if err := c.callWebhook(pod); err != nil {
		return err
	}
	namespace, _ := child(pod, "metadata")["namespace"].(string)
	name, _ := child(pod, "metadata")["name"].(string)
	return c.withinQuota(namespace, name)
}

// callWebhook mutates a pod, or refuses it.
// https://azure.github.io/azure-workload-identity/docs/installation/mutating-admission-webhook.html
func (c *Cluster) callWebhook(pod map[string]any) error {
	meta := child(pod, "metadata")
	labels, _ := meta["labels"].(map[string]any)
	if labels[workloadid.UseLabel] != workloadid.UseValue {
		return nil
	}
	c.webhook.asks++
	switch {
	case c.webhook.mode == WebhookDown:
		return apierrors.NewInternalError(errors.New("failed calling webhook \"" + workloadid.WebhookName + "\": connection refused"))
	case c.webhook.mode == WebhookIgnored, c.webhook.mode == WebhookHalf && c.webhook.asks%2 == 0:
		return nil
	}
	spec := child(pod, "spec")
	account, _ := spec["serviceAccountName"].(string)
	if account == "" {
		account = "default"
	}
	ns, _ := meta["namespace"].(string)
	annotations, ok := c.webhook.picture(c.fleet.now, ns+"/"+account)
	if !ok {
		return apierrors.NewBadRequest("admission webhook \"" + workloadid.WebhookName + "\" denied the request: service account " + account + " not found")
	}
	client := annotations[workloadid.ClientIDAnnotation]
	if c.webhook.mode == WebhookWrong && client != "" {
		client = "99999999-9999-4999-8999-999999999999"
	}
	tenant, own := annotations[workloadid.TenantIDAnnotation]
	if !own {
		tenant = Tenant
	}
	if err := c.webhook.injectProxy(meta, spec); err != nil {
		return err
	}
	inject(spec, client, tenant)
	return c.podSecurity(ns, spec)
}

// slowAnswer is how long a slow webhook takes.
const slowAnswer = 9900 * time.Millisecond

// admission waits for the answer of a slow webhook, where the write is of a pod.
func (c *Cluster) admission(ctx context.Context, w cutover.Write) error {
	c.fleet.mu.Lock()
	slow := w.Ref.Kind == "Pod" && w.Verb == cutover.Create && c.webhook.mode == WebhookSlow
	pace := c.fleet.opts.Pace
	c.fleet.mu.Unlock()
	if !slow {
		return ctx.Err()
	}
	return pause.For(ctx, time.Duration(float64(slowAnswer)*pace))
}

const (
	tokenMount = "/var/run/secrets/azure/wi"
	tokenName  = "token/azure-identity-token"
	volumeName = "azure-workload-identity-reserved-0"
)

// inject adds environment, mount and volume as release 1.6 of the webhook does; what a container defines itself stays.
func inject(spec map[string]any, client, tenant string) {
	for _, list := range [...]string{"initContainers", "containers"} {
		containers, _ := spec[list].([]any)
		for _, it := range containers {
			c, _ := it.(map[string]any)
			if c == nil {
				continue
			}
			for _, v := range [...][2]string{
				{workloadid.EnvClientID, client}, {workloadid.EnvTenantID, tenant},
				{workloadid.EnvFederatedTokenFile, tokenMount + "/" + tokenName},
				{workloadid.EnvAuthorityHost, "https://login.microsoftonline.com/"},
			} {
				addEnv(c, v[0], v[1])
			}
			mounts, _ := c["volumeMounts"].([]any)
			c["volumeMounts"] = append(mounts, map[string]any{"name": volumeName, "mountPath": tokenMount, "readOnly": true})
		}
	}
	volumes, _ := spec["volumes"].([]any)
	token := map[string]any{"audience": workloadid.Audience, "expirationSeconds": int64(3600), "path": tokenName}
	spec["volumes"] = append(volumes, map[string]any{"name": volumeName, "projected": map[string]any{
		"sources": []any{map[string]any{"serviceAccountToken": token}},
	}})
}

func addEnv(container map[string]any, name, value string) {
	env, _ := container["env"].([]any)
	for _, it := range env {
		if e, _ := it.(map[string]any); e["name"] == name {
			return
		}
	}
	if value != "" {
		container["env"] = append(env, map[string]any{"name": name, "value": value})
	}
}

// envOf reads a variable of a pod's first container.
func envOf(pod map[string]any, name string) string {
	containers, _ := child(pod, "spec")["containers"].([]any)
	if len(containers) == 0 {
		return ""
	}
	c, _ := containers[0].(map[string]any)
	env, _ := c["env"].([]any)
	for _, it := range env {
		if e, _ := it.(map[string]any); e["name"] == name {
			s, _ := e["value"].(string)
			return s
		}
	}
	return ""
}

func webhookObject(ca string) map[string]any {
	return map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
		"metadata": map[string]any{"name": "azure-wi-webhook-mutating-webhook-configuration"},
		"webhooks": []any{map[string]any{
			"name": workloadid.WebhookName, "failurePolicy": "Fail", "sideEffects": "None",
			"objectSelector": map[string]any{"matchLabels": map[string]any{workloadid.UseLabel: workloadid.UseValue}},
			"clientConfig":   map[string]any{"caBundle": ca, "service": map[string]any{"name": hookService, "namespace": "kube-system"}},
		}},
	}
}

func namespaceObject(name string) map[string]any {
	return map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name}}
}
