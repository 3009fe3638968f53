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
	sortGaps(s.Cluster.Coverage.Gaps)
	return s
}

func sortGaps(gaps []Gap) {
	slices.SortFunc(gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Reason, b.Reason))
	})
}

// ownerKey finds a workload by what an owner reference says.
type ownerKey struct{ namespace, group, kind, name string }

func keyOf(namespace string, o *Owner) ownerKey {
	return ownerKey{namespace, apiGroup(o.APIVersion), o.Kind, o.Name}
}

// settle keeps those of the waiting workloads that something kept needs: owners of kept workloads, what an Argo Rollout refers to,
// pods that an exception excepts, users of an annotated service account or of a SecretProviderClass with Pod Identity.
func (c *collector) settle() {
	index := map[ownerKey]int{}
	for i, w := range c.waiting {
		index[ownerKey{w.Namespace, apiGroup(w.APIVersion), w.Kind, w.Name}] = i
	}
	kept := make([]bool, len(c.waiting))
	for i := range c.waiting {
		kept[i] = c.wanted(&c.waiting[i])
	}
	var climb func(w *Workload)
	climb = func(w *Workload) {
		for _, o := range []*Owner{w.Owner, w.Ref} {
			if o == nil {
				continue
			}
			if i, ok := index[keyOf(w.Namespace, o)]; ok && !kept[i] {
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

// wanted reports whether a workload without either label bears on identities all the same.
func (c *collector) wanted(w *Workload) bool {
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
	account := w.Template.ServiceAccount
	for _, sa := range c.snap.ServiceAccounts {
		if len(sa.Annotations) > 0 && sa.Namespace == w.Namespace && (sa.Name == account || account == "" && sa.Name == "default") {
			return true
		}
	}
	for _, class := range c.snap.SecretProviderClasses {
		if class.UsePodIdentity && class.Namespace == w.Namespace && slices.Contains(w.Template.SecretProviderClasses, class.Name) {
			return true
		}
	}
	return false
}

// excepted reports whether any one label of an exception is on a pod. Keys are exact, values are compared without letter case
// (aad-pod-identity, pkg/pod/pod.go).
func excepted(exception, pod map[string]string) bool {
	for k, v := range exception {
		if have, ok := pod[k]; ok && strings.EqualFold(v, have) {
			return true
		}
	}
	return false
}
