package cutover

import (
	"fmt"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// Injection is what the webhook should have put into a pod.
type Injection struct {
	// ClientID is the value to find; empty leaves the variable out of the judgement, as before the service account is annotated.
	ClientID string
	// TenantID is checked for its value where it is known, else only for being there.
	TenantID string
	// Sidecar demands the webhook's migration proxy as well.
	Sidecar bool
}

// Injected judges a pod, live or from a dry-run, against what the webhook should have put into every container and init container that
// is not skipped (check V1): the effective environment, and a projected service account token of the right audience mounted where
// AZURE_FEDERATED_TOKEN_FILE points. Volume names and paths are not compared: they differ between webhook releases. A container's
// own variable wins over the webhook's, so a wrong one that was hard-coded is found here too.
//
// There is one piece of evidence for each container, in the pod's order, and one for the sidecar if it is wanted; a pod without a
// container to judge yields one that is inconclusive.
func Injected(pod *corev1.Pod, want Injection) []Evidence {
	var skipped []string
	for name := range strings.SplitSeq(pod.Annotations[workloadid.SkipContainersAnnotation], ";") {
		skipped = append(skipped, strings.TrimSpace(name))
	}
	var out []Evidence
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if slices.Contains(skipped, c.Name) {
			continue
		}
		e := Evidence{Check: "V1", Object: podObject(pod) + " container " + c.Name, Result: Pass, Got: "injected"}
		if wrong := wrongWith(pod, &c, want); wrong != "" {
			e.Result, e.Got, e.Want = Fail, wrong, "client ID "+want.ClientID+" and a token file of audience "+workloadid.Audience
		}
		out = append(out, e)
	}
	if len(out) == 0 {
		return []Evidence{{Check: "V1", Object: podObject(pod), Want: "a container to judge", Got: "every container is skipped", Result: Inconclusive}}
	}
	if want.Sidecar {
		out = append(out, sidecarIn(pod, want))
	}
	return out
}

func podObject(pod *corev1.Pod) string {
	if pod.Name == "" {
		return "Pod/" + pod.GenerateName + "…"
	}
	return "Pod/" + pod.Name
}

// wrongWith says in one clause what keeps a container from its identity; "" for nothing.
func wrongWith(pod *corev1.Pod, c *corev1.Container, want Injection) string {
	env := map[string]corev1.EnvVar{}
	for _, e := range c.Env {
		env[e.Name] = e // as in the kernel's environment block, the last one wins
	}
	for _, name := range []string{workloadid.EnvClientID, workloadid.EnvTenantID, workloadid.EnvFederatedTokenFile, workloadid.EnvAuthorityHost} {
		if name == workloadid.EnvClientID && want.ClientID == "" {
			continue
		}
		e, ok := env[name]
		switch {
		case !ok:
			return name + " is missing"
		case e.ValueFrom != nil:
			return name + " comes from elsewhere (valueFrom), so its value cannot be judged"
		case e.Value == "":
			return name + " is empty"
		}
	}
	if got := env[workloadid.EnvClientID].Value; want.ClientID != "" && !strings.EqualFold(got, want.ClientID) {
		return fmt.Sprintf("%s is %s", workloadid.EnvClientID, got)
	}
	if got := env[workloadid.EnvTenantID].Value; want.TenantID != "" && !strings.EqualFold(got, want.TenantID) {
		return fmt.Sprintf("%s is %s", workloadid.EnvTenantID, got)
	}
	if file := env[workloadid.EnvFederatedTokenFile].Value; !projected(pod, c, file) {
		return fmt.Sprintf("no token of audience %s is mounted at %s", workloadid.Audience, file)
	}
	return ""
}

// projected reports whether the file in the container is a projected service account token of the exchange audience.
func projected(pod *corev1.Pod, c *corev1.Container, file string) bool {
	for _, mount := range c.VolumeMounts {
		inside, ok := strings.CutPrefix(path.Clean(file), path.Clean(mount.MountPath)+"/")
		if !ok {
			continue
		}
		for _, v := range pod.Spec.Volumes {
			if v.Name != mount.Name || v.Projected == nil {
				continue
			}
			for _, s := range v.Projected.Sources {
				if t := s.ServiceAccountToken; t != nil && t.Audience == workloadid.Audience && path.Clean(t.Path) == inside {
					return true
				}
			}
		}
	}
	return false
}
