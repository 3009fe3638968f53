package kubelet

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// claim takes note of a pod's address. kwok now and then gives the first two pods of a new node one address, which no CNI does: NMI
// tells pods apart by their address, so the later of two is deleted before it starts, and its controller makes another.
func (k *Kubelet) claim(pod *corev1.Pod) bool {
	ip := pod.Status.PodIP
	if ip == "" || pod.Spec.HostNetwork {
		return true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch holder, taken := k.addresses[ip]; {
	case !taken:
		k.addresses[ip] = pod.UID
	case holder != pod.UID && k.ctx.Err() == nil && pod.DeletionTimestamp == nil:
		if !k.evicted[pod.UID] {
			k.evicted[pod.UID] = true
			k.work.Go(func() { k.evict(k.ctx, pod) })
		}
		return false
	}
	return k.addresses[ip] == pod.UID
}

// release frees a pod's address.
func (k *Kubelet) release(pod *corev1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.addresses[pod.Status.PodIP] == pod.UID {
		delete(k.addresses, pod.Status.PodIP)
	}
}

func (k *Kubelet) evict(ctx context.Context, pod *corev1.Pod) {
	now, uid := int64(0), pod.UID
	err := k.cfg.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &uid}})
	k.cfg.Logger.InfoContext(ctx, "two pods have one address", "cluster", k.cfg.Cluster, "namespace", pod.Namespace, "pod", pod.Name, "address", pod.Status.PodIP, "error", err)
}

// addressBook is what the kubelet knows of addresses; Kubelet.mu guards it.
type addressBook struct {
	addresses map[string]types.UID
	evicted   map[types.UID]bool
}
