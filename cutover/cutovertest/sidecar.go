package cutovertest

import (
	"fmt"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

const proxyPort = 8000

// SetNativeSidecars says whether the webhook adds its migration proxy as a native sidecar, as it does from Kubernetes 1.32 on and by
// default here, or as one more container, which never ends: a Job with it does not complete.
func (c *Cluster) SetNativeSidecars(native bool) {
	c.begin()
	defer c.fleet.mu.Unlock()
	c.webhook.ordinary = !native
}

// injectProxy adds the migration proxy and what redirects IMDS requests to it, where the pod asks for that by an annotation, whatever its
// value. https://github.com/Azure/azure-workload-identity/blob/main/pkg/webhook/webhook.go
func (h *webhook) injectProxy(meta, spec map[string]any) error {
	annotations, _ := meta["annotations"].(map[string]any)
	if _, asks := annotations[workloadid.InjectProxyAnnotation]; !asks || h.mode == WebhookNoProxy {
		return nil
	}
	deny := func(why string) error {
		return apierrors.NewBadRequest("admission webhook \"" + workloadid.WebhookName + "\" denied the request: " + why)
	}
	if spec["hostNetwork"] == true {
		return deny("hostNetwork is set to true, cannot inject proxy sidecar")
	}
	port := proxyPort
	if value, ok := annotations[workloadid.ProxyPortAnnotation].(string); ok {
		n, err := strconv.Atoi(value)
		if err != nil {
			return deny("failed to parse proxy sidecar port: " + err.Error())
		}
		port = n
	}
	before, _ := spec["initContainers"].([]any)
	proxy := map[string]any{"name": workloadid.ProxyContainer, "image": "registry.example/proxy:1", "args": []any{fmt.Sprintf("--proxy-port=%d", port)}}
	if h.mode != WebhookNoRedirect {
		before = append(before, map[string]any{
			"name": workloadid.ProxyInitContainer, "image": "registry.example/proxy-init:1", "securityContext": map[string]any{"privileged": true},
			"env": []any{map[string]any{"name": workloadid.ProxyPortEnv, "value": strconv.Itoa(port)}},
		})
	}
	if h.ordinary {
		containers, _ := spec["containers"].([]any)
		spec["containers"] = append([]any{proxy}, containers...)
	} else {
		proxy["restartPolicy"] = "Always"
		before = append([]any{proxy}, before...)
	}
	if len(before) > 0 {
		spec["initContainers"] = before
	}
	return nil
}

// podSecurity refuses a privileged container in a namespace that enforces another level than privileged.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/
func (c *Cluster) podSecurity(namespace string, spec map[string]any) error {
	ns := c.find("Namespace", "", namespace)
	if ns == nil {
		return nil
	}
	level := ns.u().GetLabels()["pod-security.kubernetes.io/enforce"]
	if level != "baseline" && level != "restricted" {
		return nil
	}
	for _, list := range [...]string{"initContainers", "containers"} {
		for _, it := range containersOf(spec, list) {
			if child(it, "securityContext")["privileged"] == true {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", fmt.Errorf(
					"violates PodSecurity %q: privileged (container %q must not set securityContext.privileged=true)", level+":latest", it["name"]))
			}
		}
	}
	return nil
}

// containersOf are the containers of one of a pod's lists.
func containersOf(spec map[string]any, list string) []map[string]any {
	items, _ := spec[list].([]any)
	var out []map[string]any
	for _, it := range items {
		if c, ok := it.(map[string]any); ok {
			out = append(out, c)
		}
	}
	return out
}

// proxyOf says whether IMDS requests of a pod lead to a migration proxy, whether one is there, and whether it outlives the application.
func proxyOf(pod map[string]any) (redirected, proxied, outlives bool) {
	spec := child(pod, "spec")
	for _, c := range containersOf(spec, "initContainers") {
		redirected = redirected || c["name"] == workloadid.ProxyInitContainer
		proxied = proxied || c["name"] == workloadid.ProxyContainer && c["restartPolicy"] == "Always"
	}
	for _, c := range containersOf(spec, "containers") {
		outlives = outlives || c["name"] == workloadid.ProxyContainer
	}
	return redirected, proxied || outlives, outlives
}
