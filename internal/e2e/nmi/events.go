package nmi

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// PodLabel and PodLabelValue mark the pods of NMI's DaemonSet, as its published manifests do
// (https://github.com/Azure/aad-pod-identity/tree/master/deploy/infra).
const (
	PodLabel      = "component"
	PodLabelValue = "nmi"
)

// nodeSeen gives a new node its gateway, at first without NMI's rule.
func (a *Agents) nodeSeen(obj any) {
	node, ok := obj.(*corev1.Node)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.nodes[node.Name]; known || a.ctx.Err() != nil {
		return
	}
	n, err := newNode(a.cfg, node.Name, internalIP(node))
	if err != nil {
		a.cfg.Logger.Info("node without gateway", "cluster", a.cfg.Cluster, "node", node.Name, "error", err)
		a.failed[node.Name] = err
		return
	}
	delete(a.failed, node.Name)
	for _, id := range a.attached {
		n.IMDS.Attach(id)
	}
	a.nodes[node.Name] = n
	a.world.follow(node.Name, n.cache)
	if pod := a.early[node.Name]; pod != nil {
		delete(a.early, node.Name)
		a.startLocked(n, pod)
	}
}

func (a *Agents) nodeGone(obj any) {
	node, ok := last(obj).(*corev1.Node)
	if !ok {
		return
	}
	a.mu.Lock()
	n := a.nodes[node.Name]
	delete(a.nodes, node.Name)
	delete(a.failed, node.Name)
	a.mu.Unlock()
	a.world.forget(node.Name)
	if n != nil {
		n.close()
	}
}

// podSeen starts NMI when a pod of its DaemonSet has run for the delay, and ends it when the pod is being deleted.
func (a *Agents) podSeen(obj any) {
	pod, ok := obj.(*corev1.Pod)
	if !ok || !isNMI(pod) || pod.Spec.NodeName == "" {
		return
	}
	if pod.DeletionTimestamp != nil {
		a.podGone(pod)
		return
	}
	if pod.Status.Phase != corev1.PodRunning {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if n, ok := a.nodes[pod.Spec.NodeName]; ok {
		a.startLocked(n, pod)
	} else {
		a.early[pod.Spec.NodeName] = pod
	}
}

// startLocked starts a node's NMI after the delay of the moment, unless it belongs to the pod already.
func (a *Agents) startLocked(n *Node, pod *corev1.Pod) {
	if a.ctx.Err() != nil || !n.claim(string(pod.UID)) {
		return
	}
	delay := a.delay
	a.work.Go(func() {
		if pause.For(a.ctx, delay) != nil {
			return
		}
		if err := n.start(string(pod.UID)); err != nil {
			a.cfg.Logger.Info("NMI cannot start", "cluster", a.cfg.Cluster, "node", n.Name, "error", err)
			a.mu.Lock()
			defer a.mu.Unlock()
			if a.nodes[n.Name] == n {
				a.failed[n.Name] = err
			}
		}
	})
}

func (a *Agents) podGone(obj any) {
	pod, ok := last(obj).(*corev1.Pod)
	if !ok || !isNMI(pod) {
		return
	}
	if n, err := a.Node(pod.Spec.NodeName); err == nil {
		n.terminate(string(pod.UID))
	}
}

func isNMI(pod *corev1.Pod) bool { return pod.Labels[PodLabel] == PodLabelValue }

// last unwraps what an informer knows of an object whose deletion it missed.
func last(obj any) any {
	if d, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		return d.Obj
	}
	return obj
}

func internalIP(node *corev1.Node) string {
	for _, a := range node.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}
