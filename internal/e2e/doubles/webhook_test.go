package doubles_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/webhook"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// accounts are those of the contract's pods.
const accounts = `
{apiVersion: v1, kind: Namespace, metadata: {name: injected}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: annotated, namespace: injected, annotations: {azure.workload.identity/client-id: client-1}}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: bare, namespace: injected}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: guest, namespace: injected, annotations: {azure.workload.identity/tenant-id: tenant-1}}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: nowhere, namespace: injected, annotations: {azure.workload.identity/tenant-id: ""}}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: brief, namespace: injected, annotations: {azure.workload.identity/service-account-token-expiration: "7200"}}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: vague, namespace: injected, annotations: {azure.workload.identity/service-account-token-expiration: soon}}}
`

// by makes a pod one of another service account.
func by(account string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Spec.ServiceAccountName = account }
}

// newPod is what the cases start from: one container and one init container of a labelled pod.
func newPod(edit func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "web-", Namespace: "injected", Annotations: map[string]string{},
			Labels: map[string]string{workloadid.UseLabel: workloadid.UseValue}},
		Spec: corev1.PodSpec{ServiceAccountName: "annotated",
			InitContainers: []corev1.Container{{Name: "first", Image: "first"}}, Containers: []corev1.Container{{Name: "app", Image: "app"}}},
	}
	if edit != nil {
		edit(p)
	}
	return p
}

// injection is a pod of [newPod] and what becomes of it.
type injection struct {
	name      string
	behaviour webhook.Behaviour
	edit      func(*corev1.Pod)
	client    string // AZURE_CLIENT_ID of the container; "" is none
	file      string // AZURE_FEDERATED_TOKEN_FILE; "" is none
	seconds   int64
	tenant    string // AZURE_TENANT_ID; "" is the webhook's own where there is a file, "none" is none
	refused   string // part of the refusal
}

func injections(t *testing.T, c *fleet.Cluster) {
	for _, k := range []injection{
		{name: "a labelled pod gets everything, where v1.6.0 puts it", client: "client-1", file: "/var/run/secrets/azure/wi/token/azure-identity-token", seconds: 3600},
		{name: "v1.5.1 puts it elsewhere", behaviour: webhook.Behaviour{Layout: webhook.LayoutOld}, client: "client-1", file: "/var/run/secrets/azure/tokens/azure-identity-token", seconds: 3600},
		{name: "a pod without the label gets nothing", edit: func(p *corev1.Pod) { p.Labels = nil }},
		{name: "a pod whose label has another value likewise", edit: func(p *corev1.Pod) { p.Labels[workloadid.UseLabel] = "True" }},
		{name: "an account that is missing is the API server's to refuse", edit: by("missing"), refused: `serviceaccount "missing" not found`},
		{name: "an account's tenant wins over the webhook's", edit: by("guest"), tenant: "tenant-1",
			file: "/var/run/secrets/azure/wi/token/azure-identity-token", seconds: 3600},
		{name: "an account whose tenant is empty gives none", edit: by("nowhere"), tenant: "none",
			file: "/var/run/secrets/azure/wi/token/azure-identity-token", seconds: 3600},
		{name: "an account's expiration counts", edit: by("brief"), file: "/var/run/secrets/azure/wi/token/azure-identity-token", seconds: 7200},
		{name: "the pod's expiration wins over the account's", edit: func(p *corev1.Pod) {
			p.Spec.ServiceAccountName, p.Annotations[workloadid.TokenExpirationAnnotation] = "vague", "86400"
		}, file: "/var/run/secrets/azure/wi/token/azure-identity-token", seconds: 86400},
		{name: "an account's expiration that is no number is denied", edit: by("vague"), refused: `not "soon"`},
		{name: "an account without annotation gives all but the client ID", edit: by("bare"),
			file: "/var/run/secrets/azure/wi/token/azure-identity-token", seconds: 3600},
		{name: "a container's own client ID stays", edit: func(p *corev1.Pod) {
			p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: workloadid.EnvClientID, Value: "mine"}}
		}, client: "mine", file: "/var/run/secrets/azure/wi/token/azure-identity-token", seconds: 3600},
		{name: "a skipped container gets nothing but the pod gets the volume", edit: func(p *corev1.Pod) {
			p.Annotations[workloadid.SkipContainersAnnotation] = "other; app"
		}, seconds: 3600},
		{name: "the pod's expiration counts", edit: func(p *corev1.Pod) { p.Annotations[workloadid.TokenExpirationAnnotation] = "7200" },
			client: "client-1", file: "/var/run/secrets/azure/wi/token/azure-identity-token", seconds: 7200},
		{name: "an expiration out of range is denied", edit: func(p *corev1.Pod) { p.Annotations[workloadid.TokenExpirationAnnotation] = "60" }, refused: "3600"},
		{name: "a webhook that is down refuses labelled pods", behaviour: webhook.Behaviour{Down: true}, refused: "failed calling webhook"},
		{name: "a webhook that is down lets other pods be", behaviour: webhook.Behaviour{Down: true}, edit: func(p *corev1.Pod) { p.Labels = nil }},
		{name: "a wrong webhook injects another identity", behaviour: webhook.Behaviour{ClientID: "stale"}, client: "stale",
			file: "/var/run/secrets/azure/wi/token/azure-identity-token", seconds: 3600},
	} {
		t.Run(k.name, func(t *testing.T) {
			c.Webhook.Behave(k.behaviour)
			got, err := admit(t, c, newPod(k.edit))
			if k.refused != "" {
				if err == nil || !strings.Contains(err.Error(), k.refused) {
					t.Errorf("got %v, want a refusal that names %q", err, k.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			k.judge(t, got)
		})
	}
}

func (k injection) judge(t *testing.T, got *corev1.Pod) {
	t.Helper()
	app := got.Spec.Containers[0]
	if env(app, workloadid.EnvClientID) != k.client || env(app, workloadid.EnvFederatedTokenFile) != k.file || seconds(got) != k.seconds {
		t.Errorf("got client %q, file %q, %d s; want %q, %q, %d s", env(app, workloadid.EnvClientID),
			env(app, workloadid.EnvFederatedTokenFile), seconds(got), k.client, k.file, k.seconds)
	}
	tenant := k.tenant
	switch {
	case tenant == "none":
		tenant = ""
	case tenant == "" && k.file != "":
		tenant = azure.TenantID
	}
	if got := env(app, workloadid.EnvTenantID); got != tenant {
		t.Errorf("got tenant %q, want %q", got, tenant)
	}
	if k.file != "" && (env(got.Spec.InitContainers[0], workloadid.EnvFederatedTokenFile) != k.file || !mounted(app, k.file)) {
		t.Errorf("the init container lacks its environment or the container its mount: %+v", got.Spec)
	}
}

func env(c corev1.Container, name string) string {
	for _, e := range c.Env {
		if e.Name == name {
			return e.Value
		}
	}
	return ""
}

func mounted(c corev1.Container, file string) bool {
	for _, m := range c.VolumeMounts {
		if strings.HasPrefix(file, m.MountPath+"/") {
			return true
		}
	}
	return false
}

// seconds is the life of the pod's token for Entra, 0 without one.
func seconds(p *corev1.Pod) int64 {
	for _, v := range p.Spec.Volumes {
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.ServiceAccountToken != nil && s.ServiceAccountToken.Audience == workloadid.Audience {
				return *s.ServiceAccountToken.ExpirationSeconds
			}
		}
	}
	return 0
}
