package kubelet

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/sidecar"
	"github.com/wimigrate/wimigrate/internal/pause"
)

// podRun is one pod while it runs.
type podRun struct {
	kubelet *Kubelet
	pod     *corev1.Pod
	dir     string
	up      sync.WaitGroup

	mu       sync.Mutex
	metadata string // where the pod's connections to the metadata service go at present
}

// play plays one pod from its volumes to its end: init containers in order, each to its end or, as a native sidecar, until it has started;
// then the containers, until the context ends.
func (k *Kubelet) play(ctx context.Context, pod *corev1.Pod) error {
	r := &podRun{kubelet: k, pod: pod, dir: filepath.Join(k.cfg.Dir, string(pod.UID))}
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(r.dir) }()
	for r.metadata = k.cfg.Gateway(pod.Spec.NodeName); r.metadata == ""; r.metadata = k.cfg.Gateway(pod.Spec.NodeName) { // the node is as new as the pod
		if pause.For(ctx, 50*time.Millisecond) != nil {
			return nil
		}
	}
	volumes, err := k.mount(ctx, pod, r.dir)
	if err != nil {
		return fmt.Errorf("mount volumes: %w", err)
	}
	defer r.up.Wait()
	for _, v := range volumes {
		r.up.Go(func() { k.rotate(ctx, pod, v) })
	}
	for i := range pod.Spec.InitContainers {
		if !r.initialise(ctx, &pod.Spec.InitContainers[i]) {
			return nil
		}
	}
	r.runMain(ctx)
	<-ctx.Done()
	return nil
}

// runMain runs the pod's containers. When all of them are processes here and all have come to their end, the pod has.
func (r *podRun) runMain(ctx context.Context) {
	var mains sync.WaitGroup
	var failed atomic.Bool
	all := true
	for i := range r.pod.Spec.Containers {
		c := &r.pod.Spec.Containers[i]
		if !r.kubelet.runs(c) {
			all = false
			continue
		}
		mains.Go(func() {
			if !r.keepRunning(ctx, c, roleMain, nil) {
				failed.Store(true)
			}
		})
	}
	r.up.Go(func() {
		if mains.Wait(); all && ctx.Err() == nil {
			r.finish(ctx, failed.Load())
		}
	})
}

// initialise does one init container, and says whether the pod may go on.
func (r *podRun) initialise(ctx context.Context, c *corev1.Container) bool {
	switch {
	case sidecar.IsInit(c.Image):
		r.redirect(c)
		return true
	case !r.kubelet.runs(c):
		return true
	case !isSidecar(c):
		return r.keepRunning(ctx, c, roleInit, nil)
	}
	started := make(chan struct{})
	r.up.Go(func() { r.keepRunning(ctx, c, roleSidecar, started) })
	select {
	case <-started:
		return true
	case <-ctx.Done():
		return false
	}
}

// redirect is the iptables rule of the migration sidecar's init container: connections to the metadata service of containers that start
// from now on go to the proxy, but for the proxy's own. A sidecar of the application's that runs already keeps its old way, which with
// iptables it would not.
func (r *podRun) redirect(c *corev1.Container) {
	port := ""
	for _, e := range c.Env {
		if e.Name == sidecar.EnvPort {
			port = e.Value
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.metadata = net.JoinHostPort(r.pod.Status.PodIP, port)
}

// metadataFor is where a container's connections to the metadata service go if it starts now.
func (r *podRun) metadataFor(c *corev1.Container) string {
	if sidecar.Is(c.Image) {
		return r.kubelet.cfg.Gateway(r.pod.Spec.NodeName)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.metadata
}
