package cutover

import (
	"context"

	corev1 "k8s.io/api/core/v1"
)

// checkSidecar: what a workload of a unit with the migration sidecar should know of it (PF09). Where pods are meant to end, a dry-run pod
// shows whether the proxy would end with them: as a native sidecar it does, as one more container it keeps a Job from finishing.
// https://github.com/Azure/azure-workload-identity/issues/773
func checkSidecar(ctx context.Context, t Target, w Workload, live *liveWorkload) []Evidence {
	var out []Evidence
	if len(live.template.Spec.InitContainers) > 0 {
		out = append(out, passed(w.String(), "warning: its own init containers run before the proxy is in their way, so what they ask of IMDS still goes to NMI"))
	}
	if !t.strategy().Sidecar || !runsToCompletion(w.Kind) {
		return out
	}
	pod, err := dryRunPod(ctx, t.Cluster, w, t.strategy())
	if err != nil {
		return append(out, unclear(w.String(), "no pod to try: "+err.Error()))
	}
	born, err := createDry(ctx, t.Cluster, pod)
	if err != nil {
		result, why := refusal(err)
		return append(out, Evidence{Object: w.String(), Got: why, Result: result})
	}
	switch redirect, proxy := proxyContainers(born); {
	case redirect == nil || proxy == nil:
		return append(out, failing(w.String(), "a dry-run pod has no proxy sidecar", "a webhook that injects it"))
	case ordinary(born, proxy):
		return append(out, failing(w.String(), "the webhook adds the proxy as a container that never ends, so its Jobs would not finish",
			"Kubernetes 1.32, or another strategy"))
	}
	return append(out, passed(w.String(), "the proxy is a native sidecar, and ends with its Jobs"))
}

// ordinary reports whether a container is one of the pod's containers proper, beside the application's.
func ordinary(pod *corev1.Pod, c *corev1.Container) bool {
	for i := range pod.Spec.Containers {
		if &pod.Spec.Containers[i] == c {
			return true
		}
	}
	return false
}
