package kubelet

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// tell changes one container's status in the API and the pod's readiness with it.
func (r *podRun) tell(ctx context.Context, container string, change func(*corev1.ContainerStatus)) {
	r.update(ctx, func(s *corev1.PodStatus) { setStatus(s, container, change) })
}

// finish says that a pod whose containers are not started again has come to its end.
func (r *podRun) finish(ctx context.Context, failed bool) {
	phase := corev1.PodSucceeded
	if failed {
		phase = corev1.PodFailed
	}
	r.update(ctx, func(s *corev1.PodStatus) { s.Phase = phase })
}

// update changes the pod's status in the API. kwok wrote the first one and does not come back to it while the pod runs. A pod that has
// gone or ended is left alone.
func (r *podRun) update(ctx context.Context, change func(*corev1.PodStatus)) {
	pods := r.kubelet.cfg.Client.CoreV1().Pods(r.pod.Namespace)
	for {
		live, err := pods.Get(ctx, r.pod.Name, metav1.GetOptions{})
		if err == nil && (live.UID != r.pod.UID || live.DeletionTimestamp != nil || live.Status.Phase != corev1.PodRunning) {
			return
		}
		if err == nil {
			change(&live.Status)
			_, err = pods.UpdateStatus(ctx, live, metav1.UpdateOptions{FieldManager: "kubelet"})
		}
		if err == nil || apierrors.IsNotFound(err) || ctx.Err() != nil {
			return
		}
		if !apierrors.IsConflict(err) {
			r.kubelet.cfg.Logger.Debug("pod status", "cluster", r.kubelet.cfg.Cluster, "namespace", r.pod.Namespace, "pod", r.pod.Name, "error", err)
		}
		if pause.For(ctx, 100*time.Millisecond) != nil {
			return
		}
	}
}

func setStatus(s *corev1.PodStatus, container string, change func(*corev1.ContainerStatus)) {
	ready := true
	for _, list := range [][]corev1.ContainerStatus{s.InitContainerStatuses, s.ContainerStatuses} {
		for i := range list {
			if list[i].Name == container {
				change(&list[i])
			}
			ready = ready && list[i].Ready
		}
	}
	for i := range s.Conditions {
		c := &s.Conditions[i]
		if c.Type != corev1.PodReady && c.Type != corev1.ContainersReady {
			continue
		}
		status, reason := corev1.ConditionTrue, ""
		if !ready {
			status, reason = corev1.ConditionFalse, "ContainersNotReady"
		}
		if c.Status != status {
			c.Status, c.Reason, c.LastTransitionTime = status, reason, metav1.Now()
		}
	}
}
