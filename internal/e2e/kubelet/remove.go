package kubelet

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// remove takes a pod that is being deleted away at once, as a kubelet does in the end: that very pod, not one of its name. kwok deletes by
// name, sometimes twice, and the second time hits the next pod of a StatefulSet.
func (k *Kubelet) remove(pod *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.removed[pod.UID] || pod.Spec.NodeName == "" || k.ctx.Err() != nil {
		return
	}
	k.removed[pod.UID] = true
	k.work.Go(func() {
		at := metav1.DeleteOptions{GracePeriodSeconds: new(int64), Preconditions: metav1.NewUIDPreconditions(string(pod.UID))}
		for {
			ctx, cancel := context.WithTimeout(k.ctx, 10*time.Second)
			err := k.cfg.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, at)
			cancel()
			if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) || pause.For(k.ctx, time.Second) != nil {
				return
			}
		}
	})
}
