package doubles_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/sidecar"
	"github.com/wimigrate/wimigrate/internal/e2e/webhook"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// proxied is a pod that asks for the migration sidecar.
func proxied(value string, edit func(*corev1.Pod)) *corev1.Pod {
	return newPod(func(p *corev1.Pod) {
		p.Annotations[workloadid.InjectProxyAnnotation] = value
		if edit != nil {
			edit(p)
		}
	})
}

// restricted is a namespace whose pods may not be privileged.
const restricted = `
{apiVersion: v1, kind: Namespace, metadata: {name: restricted, labels: {pod-security.kubernetes.io/enforce: baseline}}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: annotated, namespace: restricted, annotations: {azure.workload.identity/client-id: client-1}}}
`

func sidecars(t *testing.T, c *fleet.Cluster) {
	if err := c.Apply(t.Context(), restricted); err != nil {
		t.Fatal(err)
	}
	c.Webhook.Behave(webhook.Behaviour{})
	for _, k := range []struct {
		name    string
		pod     *corev1.Pod
		port    string // of the redirect and the proxy
		refused string // part of the refusal
	}{
		{name: "the annotation brings proxy and redirect", pod: proxied("true", nil), port: "8000"},
		{name: "its value does not matter", pod: proxied("false", nil), port: "8000"},
		{name: "the port can be chosen", pod: proxied("true", func(p *corev1.Pod) { p.Annotations[workloadid.ProxyPortAnnotation] = "9000" }), port: "9000"},
		{name: "a port that is no number is denied", pod: proxied("true", func(p *corev1.Pod) { p.Annotations[workloadid.ProxyPortAnnotation] = "http" }),
			refused: "failed to parse proxy sidecar port"},
		{name: "a port that cannot be is the API server's to refuse", pod: proxied("true", func(p *corev1.Pod) { p.Annotations[workloadid.ProxyPortAnnotation] = "99999" }),
			refused: "must be between 1 and 65535"},
		{name: "a pod of the host's network is denied", pod: proxied("true", func(p *corev1.Pod) { p.Spec.HostNetwork = true }),
			refused: "hostNetwork is set to true"},
		{name: "a namespace of pod security level baseline refuses it", pod: proxied("true", func(p *corev1.Pod) { p.Namespace = "restricted" }),
			refused: `violates PodSecurity "baseline`},
		{name: "and lets pods without it be", pod: newPod(func(p *corev1.Pod) { p.Namespace = "restricted" })},
	} {
		t.Run(k.name, func(t *testing.T) {
			got, err := admit(t, c, k.pod)
			switch {
			case k.refused != "":
				if err == nil || !strings.Contains(err.Error(), k.refused) {
					t.Errorf("got %v, want a refusal that names %q", err, k.refused)
				}
			case err != nil:
				t.Error(err)
			default:
				judgeProxy(t, got, k.port)
			}
		})
	}
}

// judgeProxy checks the order, which decides whose requests are redirected, and what the proxy needs.
func judgeProxy(t *testing.T, p *corev1.Pod, port string) {
	t.Helper()
	var names []string
	for _, c := range p.Spec.InitContainers {
		names = append(names, c.Name)
	}
	want := []string{sidecar.Name, "first", sidecar.InitName}
	if port == "" {
		want = []string{"first"}
	}
	if !slices.Equal(names, want) {
		t.Fatalf("init containers are %v, want %v", names, want)
	}
	if port == "" {
		return
	}
	proxy, redirect := p.Spec.InitContainers[0], p.Spec.InitContainers[2]
	if env(redirect, sidecar.EnvPort) != port || !slices.Contains(proxy.Args, "--proxy-port="+port) || proxy.Lifecycle.PostStart == nil ||
		proxy.RestartPolicy == nil || *proxy.RestartPolicy != corev1.ContainerRestartPolicyAlways || !sidecar.Is(proxy.Image) || !sidecar.IsInit(redirect.Image) {
		t.Errorf("proxy %+v, redirect %+v", proxy, redirect)
	}
	if env(proxy, workloadid.EnvClientID) != "client-1" || !mounted(proxy, env(proxy, workloadid.EnvFederatedTokenFile)) {
		t.Errorf("the proxy lacks identity or token: %+v", proxy)
	}
}
