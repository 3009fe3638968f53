// Package kubelet is a double of the kubelets of one cluster: for each pod that kwok reports Running it starts real processes with the
// environment of the pod's containers as the API server stored it, in the order in which a kubelet does, gives them bound, projected
// service-account tokens that rotate, starts those that exit again, says so in the pod's status, and ends them when the pod goes.
package kubelet

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/wimigrate/wimigrate/internal/e2e/process"
)

// Config says what a [Kubelet] needs; all fields but Environment, RotateEvery, BackOff and Logger are required.
type Config struct {
	Cluster string
	Client  kubernetes.Interface
	// Pods is an informer of all pods, started by the caller after New.
	Pods cache.SharedIndexInformer
	// Group starts the processes; Dir receives their volumes; Program is the workload's binary.
	Group   *process.Group
	Dir     string
	Program string
	// Environment is added to each container's own, for example the certificates to trust.
	Environment []string
	// Gateway returns where connections to the metadata service go from a node.
	Gateway func(node string) string
	// RotateEvery replaces projected tokens this often; 0 means at 80 % of their life, as kubelets do.
	RotateEvery time.Duration
	// BackOff is the pause before a container that exited is started again; it doubles each time, up to 30 times itself. 0 means 10 s, as
	// kubelets do (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy).
	BackOff time.Duration
	Logger  *slog.Logger
}

// Kubelet runs the pods of one cluster. It is safe for concurrent use.
type Kubelet struct {
	cfg    Config
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	running map[types.UID]context.CancelFunc
	reports map[reportKey]*PodReport
	procs   map[reportKey]*process.Process
	images  map[string]string // programs by image
}

// New returns a kubelet that listens to the informer. Close it when done.
func New(ctx context.Context, cfg Config) (*Kubelet, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.BackOff = cmp.Or(cfg.BackOff, 10*time.Second)
	k := &Kubelet{cfg: cfg, running: map[types.UID]context.CancelFunc{}, reports: map[reportKey]*PodReport{},
		procs: map[reportKey]*process.Process{}, images: map[string]string{}}
	k.ctx, k.cancel = context.WithCancel(ctx)
	_, err := cfg.Pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { k.see(obj) },    //nolint:contextcheck // the kubelet has its own: pods live as long as it does
		UpdateFunc: func(_, obj any) { k.see(obj) }, //nolint:contextcheck // the same
		DeleteFunc: func(obj any) { k.gone(obj) },
	})
	if err != nil {
		return nil, fmt.Errorf("kubelet: %s: %w", cfg.Cluster, err)
	}
	return k, nil
}

// see starts a pod that runs and ends one that does so no longer.
func (k *Kubelet) see(obj any) {
	pod, ok := obj.(*corev1.Pod)
	if !ok || !k.hasWorkload(pod) {
		return
	}
	if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		k.end(pod.UID)
		return
	}
	if pod.Status.Phase != corev1.PodRunning || pod.Status.PodIP == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, known := k.running[pod.UID]; known || k.ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithCancel(k.ctx)
	k.running[pod.UID] = cancel
	k.work.Go(func() {
		if err := k.play(ctx, pod); err != nil && ctx.Err() == nil {
			k.fail(pod, err)
		}
	})
}

func (k *Kubelet) gone(obj any) {
	if d, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = d.Obj
	}
	if pod, ok := obj.(*corev1.Pod); ok {
		k.end(pod.UID)
		k.mu.Lock()
		delete(k.running, pod.UID)
		k.mu.Unlock()
	}
}

// end ends a pod's processes. The pod stays known until it is deleted, so that late updates do not start it again.
func (k *Kubelet) end(uid types.UID) {
	k.mu.Lock()
	cancel, known := k.running[uid]
	k.mu.Unlock()
	if known {
		cancel()
	}
}

// Close ends all pods and returns when the last process was waited for.
func (k *Kubelet) Close() {
	k.mu.Lock()
	k.cancel()
	k.mu.Unlock()
	k.work.Wait()
}
