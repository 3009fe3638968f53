package kubelet

import (
	"cmp"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wimigrate/wimigrate/internal/e2e/workload"
)

// PodReport is what one container of one pod has reported; it stays after the pod has gone.
type PodReport struct {
	Cluster, Namespace, Pod string
	UID                     types.UID
	Container               string
	Init                    bool
	ServiceAccount, Node    string
	Labels                  map[string]string
	Created                 time.Time
	// Started and Finished are when the last process began and ended; Restarts counts the ones before it.
	Started, Finished time.Time
	Restarts          int
	// Ended says that no process runs at present, Broken why one exited or its pod could not run, also when that was mended; empty is good.
	Ended  bool
	Broken string

	workload.Report
}

type reportKey struct {
	uid       types.UID
	container string
}

// Reports returns the latest report of every container that ever ran, sorted by namespace, creation, pod and container.
func (k *Kubelet) Reports() []PodReport {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := make([]PodReport, 0, len(k.reports))
	for _, r := range k.reports {
		c := *r
		c.Identities, c.Paths = maps.Clone(r.Identities), maps.Clone(r.Paths)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b PodReport) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), a.Created.Compare(b.Created), cmp.Compare(a.Pod, b.Pod), cmp.Compare(a.Container, b.Container))
	})
	return out
}

// report returns the record of a container, making it when there is none.
func (k *Kubelet) report(pod *corev1.Pod, container string, init bool) *PodReport {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := reportKey{pod.UID, container}
	r := k.reports[key]
	if r == nil {
		r = &PodReport{
			Cluster: k.cfg.Cluster, Namespace: pod.Namespace, Pod: pod.Name, UID: pod.UID, Container: container, Init: init,
			ServiceAccount: pod.Spec.ServiceAccountName, Node: pod.Spec.NodeName, Labels: maps.Clone(pod.Labels), Created: pod.CreationTimestamp.Time,
		}
		k.reports[key] = r
	}
	return r
}

// begin takes note of a container's next process, and returns what was reported of those before.
func (k *Kubelet) begin(r *PodReport) workload.Report {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !r.Started.IsZero() {
		r.Restarts++
	}
	r.Started, r.Finished, r.Ended = time.Now(), time.Time{}, false
	return r.Report
}

// crashed records why a container exited.
func (k *Kubelet) crashed(pod *corev1.Pod, container string, init, again bool, err error) {
	r := k.report(pod, container, init)
	k.mu.Lock()
	defer k.mu.Unlock()
	r.Broken, r.Ended = err.Error(), true
	k.cfg.Logger.Info("container exited", "cluster", k.cfg.Cluster, "namespace", pod.Namespace, "pod", pod.Name, "container", container,
		"again", again, "error", err)
}

// fail records why a pod could not run.
func (k *Kubelet) fail(pod *corev1.Pod, err error) {
	r := k.report(pod, "", false)
	k.mu.Lock()
	defer k.mu.Unlock()
	r.Broken, r.Ended = err.Error(), true
	k.cfg.Logger.Info("pod cannot run", "cluster", k.cfg.Cluster, "namespace", pod.Namespace, "pod", pod.Name, "error", err)
}
