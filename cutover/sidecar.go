package cutover

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// sidecarFields are the annotations that ask the webhook for its migration proxy. The first asks by being there, whatever its value, so
// what a template says already is left as it is.
func sidecarFields(u *Unit, w Workload, f *facts) []Field {
	want := []struct{ key, value string }{{workloadid.InjectProxyAnnotation, "true"}}
	if p := u.Strategy.SidecarPort; p != 0 {
		want = append(want, struct{ key, value string }{workloadid.ProxyPortAnnotation, fmt.Sprint(p)})
	}
	var out []Field
	for _, a := range want {
		if _, set := f.workload(*u, w).Template.Annotations[a.key]; !set {
			out = append(out, Field{Path: templateAnnotation(w, a.key), After: a.value})
		}
	}
	return out
}

// strategy is that of the unit; the default where the target has none.
func (t Target) strategy() Strategy {
	if t.Unit == nil {
		return Strategy{}
	}
	return t.Unit.Strategy
}

// injection is what the webhook should put into the pods of a service account of the target's unit.
func (t Target) injection(a Account) Injection {
	return Injection{ClientID: a.Identity.ClientID, TenantID: a.Identity.TenantID, Sidecar: t.strategy().Sidecar}
}

// probeAnnotations are those of a dry-run pod: the template's, and the sidecar's where it is declared.
func (s Strategy) probeAnnotations(live *liveWorkload) map[string]any {
	out := s.podAnnotations()
	for k, v := range live.template.Annotations {
		out[k] = v
	}
	return out
}

// podAnnotations are those that a pod gets where the sidecar is declared.
func (s Strategy) podAnnotations() map[string]any {
	out := map[string]any{}
	if s.Sidecar {
		out[workloadid.InjectProxyAnnotation] = "true"
		if p := s.SidecarPort; p != 0 {
			out[workloadid.ProxyPortAnnotation] = fmt.Sprint(p)
		}
	}
	return out
}

// sidecarIn judges whether the migration proxy is in a pod, with all that it needs: the proxy itself, beside the application's containers
// or as a native sidecar, with the identity it is to exchange for; and the init container that sends to it what is meant for IMDS.
// Either without the other leaves the application with NMI, or with nobody.
func sidecarIn(pod *corev1.Pod, want Injection) Evidence {
	e := Evidence{Check: "V1", Object: podObject(pod) + " migration proxy", Want: workloadid.ProxyContainer + " and " + workloadid.ProxyInitContainer,
		Result: Fail}
	redirect, proxy := proxyContainers(pod)
	switch {
	case proxy == nil:
		e.Got = "there is no " + workloadid.ProxyContainer
	case redirect == nil:
		e.Got = "there is no " + workloadid.ProxyInitContainer + ", so nothing leads to the proxy"
	case wrongWith(pod, proxy, want) != "":
		e.Got = wrongWith(pod, proxy, want)
	case redirectedTo(redirect) != listensOn(proxy):
		e.Got = fmt.Sprintf("the proxy listens on port %s, and requests are sent to port %s", listensOn(proxy), redirectedTo(redirect))
	default:
		e.Result, e.Got = Pass, "injected, on port "+listensOn(proxy)
	}
	return e
}

// asksForProxy reports whether a pod asks the webhook for the migration proxy: by the annotation being there, whatever it says.
func asksForProxy(pod *corev1.Pod) bool {
	_, asks := pod.Annotations[workloadid.InjectProxyAnnotation]
	return asks
}

// proxyContainers finds the two containers of the migration proxy; nil for one that is not there. One of the proxy's name that is an
// ordinary init container ends before the application starts, and is none.
func proxyContainers(pod *corev1.Pod) (redirect, proxy *corev1.Container) {
	for i := range pod.Spec.InitContainers {
		switch c := &pod.Spec.InitContainers[i]; {
		case c.Name == workloadid.ProxyInitContainer:
			redirect = c
		case c.Name == workloadid.ProxyContainer && c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways:
			proxy = c
		}
	}
	for i := range pod.Spec.Containers {
		if c := &pod.Spec.Containers[i]; c.Name == workloadid.ProxyContainer {
			proxy = c
		}
	}
	return redirect, proxy
}

func redirectedTo(c *corev1.Container) string {
	for _, e := range c.Env {
		if e.Name == workloadid.ProxyPortEnv {
			return e.Value
		}
	}
	return ""
}

func listensOn(c *corev1.Container) string {
	for _, a := range c.Args {
		if port, ok := strings.CutPrefix(a, "--proxy-port="); ok {
			return port
		}
	}
	return ""
}
