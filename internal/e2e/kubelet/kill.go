package kubelet

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wimigrate/wimigrate/internal/e2e/process"
)

// Kill ends a container's process as the kernel does that of one which takes too much memory. Its pod's restart policy decides what follows.
func (k *Kubelet) Kill(pod types.UID, container string) error {
	k.mu.Lock()
	p := k.procs[reportKey{pod, container}]
	k.mu.Unlock()
	if p == nil {
		return fmt.Errorf("kubelet: %s: container %s of pod %s does not run", k.cfg.Cluster, container, pod)
	}
	return p.Kill()
}

// hold keeps a container's process until the returned function is called.
func (k *Kubelet) hold(pod *corev1.Pod, c *corev1.Container, p *process.Process) (drop func()) {
	key := reportKey{pod.UID, c.Name}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.procs[key] = p
	return func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.procs[key] == p {
			delete(k.procs, key)
		}
	}
}
