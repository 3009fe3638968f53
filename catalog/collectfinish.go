package catalog

import (
	"cmp"
	"slices"
	"strings"
)

// finish decides on what was waiting, and returns the snapshot.
func (c *collector) finish() *Snapshot {
	c.settle()
	s := &c.snap
	s.sort()
	s.Cluster.Coverage = Coverage{Complete: len(c.gaps) == 0}
	for g := range c.gaps {
		s.Cluster.Coverage.Gaps = append(s.Cluster.Coverage.Gaps, g)
	}
	slices.SortFunc(s.Cluster.Coverage.Gaps, compareGaps)
	return s
}

// settle keeps those of the waiting workloads that something kept needs: owners of kept workloads, what an Argo Rollout refers to,
// pods that an exception excepts, users of an annotated service account or of a SecretProviderClass with Pod Identity.
func (c *collector) settle() {
	index := map[ownerName]int{}
	for i := range c.waiting {
		index[c.waiting[i].ownerName()] = i
	}
	kept, annotated := make([]bool, len(c.waiting)), c.annotated()
	for i := range c.waiting {
		kept[i] = c.wanted(&c.waiting[i], annotated)
	}
	var climb func(w *Workload)
	climb = func(w *Workload) {
		for _, o := range []*Owner{w.Owner, w.Ref} {
			if o == nil {
				continue
			}
			if i, ok := index[o.in(w.Namespace)]; ok && !kept[i] {
				kept[i] = true
				climb(&c.waiting[i])
			}
		}
	}
	for i := range c.snap.Workloads {
		climb(&c.snap.Workloads[i])
	}
	for i, k := range slices.Clone(kept) {
		if k {
			climb(&c.waiting[i])
		}
	}
	for i, k := range kept {
		if k {
			c.snap.Workloads = append(c.snap.Workloads, c.waiting[i])
		}
	}
	c.waiting = nil
}

// annotated are the service accounts that carry an annotation of the webhook. A cluster has tens of thousands that do not.
func (c *collector) annotated() map[key]bool {
	out := map[key]bool{}
	for i := range c.snap.ServiceAccounts {
		if a := &c.snap.ServiceAccounts[i]; len(a.Annotations) > 0 {
			out[a.key()] = true
		}
	}
	return out
}

// wanted reports whether a workload without either label bears on identities all the same.
func (c *collector) wanted(w *Workload, annotated map[key]bool) bool {
	if w.Kind == "ReplicaSet" && (w.Owner != nil || w.TemplatePath == "") || w.Kind == "Job" && w.Owner != nil {
		return false // its owner has the same template, or its template was not asked for
	}
	if w.Ref != nil {
		return true
	}
	for _, e := range c.snap.Exceptions {
		if e.Namespace == w.Namespace && excepted(e.PodLabels, w.Template.Labels) {
			return true
		}
	}
	if annotated[key{w.Namespace, cmp.Or(w.Template.ServiceAccount, "default")}] {
		return true
	}
	for _, class := range c.snap.SecretProviderClasses {
		if class.UsePodIdentity && class.Namespace == w.Namespace && slices.Contains(w.Template.SecretProviderClasses, class.Name) {
			return true
		}
	}
	return false
}

// excepted reports whether any one label of an exception is on a pod. Keys are exact, values are compared without letter case
// (https://github.com/Azure/aad-pod-identity, pkg/pod, IsPodExcepted).
func excepted(exception, pod map[string]string) bool {
	for k, v := range exception {
		if have, ok := pod[k]; ok && strings.EqualFold(v, have) {
			return true
		}
	}
	return false
}
