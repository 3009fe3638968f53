package webhook

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/sidecar"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// injectProxy adds the migration sidecar to a pod that asks for it by the presence of an annotation, whatever its value: the proxy as a
// native sidecar before all init containers, and after all of them the init container that redirects the pod's connections to it.
func injectProxy(pod *corev1.Pod, l Layout) error {
	if _, asked := pod.Annotations[workloadid.InjectProxyAnnotation]; !asked {
		return nil
	}
	if pod.Spec.HostNetwork {
		return errHostNetwork
	}
	port := int64(sidecar.DefaultPort)
	if value, ok := pod.Annotations[workloadid.ProxyPortAnnotation]; ok {
		var err error
		if port, err = strconv.ParseInt(value, 10, 32); err != nil {
			return fmt.Errorf("failed to parse proxy sidecar port: %w", err)
		}
	}
	tag := ":v1.6.0"
	if l == LayoutOld {
		tag = ":v1.5.1"
	}
	inits := slices.Clone(pod.Spec.InitContainers)
	has := func(name string) bool {
		return slices.ContainsFunc(inits, func(c corev1.Container) bool { return c.Name == name })
	}
	if !has(sidecar.InitName) {
		inits = append(inits, redirector(tag, port))
	}
	if !has(sidecar.Name) {
		inits = append([]corev1.Container{proxy(tag, int32(port))}, inits...)
	}
	pod.Spec.InitContainers = inits
	return nil
}

var errHostNetwork = errors.New("hostNetwork is set to true, cannot inject proxy sidecar")

func redirector(tag string, port int64) corev1.Container {
	return corev1.Container{
		Name: sidecar.InitName, Image: sidecar.InitImage + tag, ImagePullPolicy: corev1.PullIfNotPresent,
		SecurityContext: &corev1.SecurityContext{
			Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_ADMIN"}, Drop: []corev1.Capability{"ALL"}},
			Privileged:   new(true), RunAsNonRoot: new(false), RunAsUser: new(int64(0)),
		},
		Env: []corev1.EnvVar{{Name: sidecar.EnvPort, Value: strconv.FormatInt(port, 10)}},
	}
}

func proxy(tag string, port int32) corev1.Container {
	at := fmt.Sprintf("--proxy-port=%d", port)
	return corev1.Container{
		Name: sidecar.Name, Image: sidecar.Image + tag, ImagePullPolicy: corev1.PullIfNotPresent, Args: []string{at, "--log-level=info"},
		Ports: []corev1.ContainerPort{{ContainerPort: port}},
		Lifecycle: &corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{
			Command: []string{"/proxy", at, "--probe", "--log-level=info"}}}},
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			Privileged: new(false), ReadOnlyRootFilesystem: new(true), RunAsNonRoot: new(true),
		},
		RestartPolicy: new(corev1.ContainerRestartPolicyAlways),
	}
}
