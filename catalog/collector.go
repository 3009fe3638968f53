package catalog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/internal/manifest"
)

// collector gathers the facts of one cluster, from whatever encoding, into a Snapshot. It is not safe for concurrent use.
type collector struct {
	snap Snapshot
	// heuristic: look for pod templates in kinds that no rule knows.
	heuristic bool
	interned  map[string]string
	labels    map[string]map[string]string
	// waiting are workloads that matter only if something else of the cluster says so; finish decides.
	waiting []Workload
	gaps    map[Gap]bool
}

func newCollector(name string, heuristic bool) *collector {
	c := &collector{heuristic: heuristic, interned: map[string]string{}, labels: map[string]map[string]string{}, gaps: map[Gap]bool{}}
	c.snap.Cluster.Name = name
	return c
}

// intern returns one copy of equal strings: a cluster repeats its namespaces, labels and kinds many times.
func (c *collector) intern(s string) string {
	if s == "" {
		return ""
	}
	if have, ok := c.interned[s]; ok {
		return have
	}
	s = strings.Clone(s)
	c.interned[s] = s
	return s
}

// internMap returns one copy of equal label sets.
func (c *collector) internMap(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	var key strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&key, "%q=%q,", k, m[k])
	}
	if have, ok := c.labels[key.String()]; ok {
		return have
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[c.intern(k)] = c.intern(v)
	}
	c.labels[key.String()] = out
	return out
}

func (c *collector) internMeta(m Meta) Meta {
	m.APIVersion, m.Kind, m.Namespace = c.intern(m.APIVersion), c.intern(m.Kind), c.intern(m.Namespace)
	m.Manager = c.intern(m.Manager)
	if m.Owner != nil {
		o := *m.Owner
		o.APIVersion, o.Kind, o.Name, o.UID = c.intern(o.APIVersion), c.intern(o.Kind), c.intern(o.Name), c.intern(o.UID)
		m.Owner = &o
	}
	return m
}

// gap records a read that failed or came back short.
func (c *collector) gap(resource, reason string) {
	c.gaps[Gap{Resource: resource, Reason: reason}] = true
}

// malformed records an object that could not be used.
func (c *collector) malformed(m Malformed) {
	m.Object, m.Namespace, m.Field, m.Reason = shown(m.Object), shown(m.Namespace), shown(m.Field), shown(m.Reason)
	c.snap.Malformed = append(c.snap.Malformed, m)
}

// rejected records an object whose fields are not as they should be, and reports whether there was anything to record.
func (c *collector) rejected(m Meta, errs []*manifest.FieldError) bool {
	if len(errs) == 0 {
		return false
	}
	first := slices.MinFunc(errs, compareFieldErrors) // mappings are read in no order
	reason := first.Reason
	if len(errs) > 1 {
		reason += fmt.Sprintf(" (and %d more)", len(errs)-1)
	}
	c.malformed(Malformed{Origin: m.Origin, Object: m.Kind + "/" + m.Name, Namespace: m.Namespace, Field: first.Field, Reason: reason})
	return true
}

func compareFieldErrors(a, b *manifest.FieldError) int {
	return cmp.Or(strings.Compare(a.Field, b.Field), strings.Compare(a.Reason, b.Reason))
}

// take adds what another collector gathered; that one must not be used again.
func (c *collector) take(o *collector) {
	s, t := &c.snap, &o.snap
	s.Identities = append(s.Identities, t.Identities...)
	s.Bindings = append(s.Bindings, t.Bindings...)
	s.Assigned = append(s.Assigned, t.Assigned...)
	s.Exceptions = append(s.Exceptions, t.Exceptions...)
	s.Workloads = append(s.Workloads, t.Workloads...)
	s.ServiceAccounts = append(s.ServiceAccounts, t.ServiceAccounts...)
	s.Namespaces = append(s.Namespaces, t.Namespaces...)
	s.Nodes = append(s.Nodes, t.Nodes...)
	s.SecretProviderClasses = append(s.SecretProviderClasses, t.SecretProviderClasses...)
	s.TriggerAuthentications = append(s.TriggerAuthentications, t.TriggerAuthentications...)
	s.Components = append(s.Components, t.Components...)
	s.ManagedIdentities = append(s.ManagedIdentities, t.ManagedIdentities...)
	s.Malformed = append(s.Malformed, t.Malformed...)
	s.PodsRead = s.PodsRead || t.PodsRead
	s.UnknownKindsSkipped = s.UnknownKindsSkipped || t.UnknownKindsSkipped
	if t.Cluster.UID != "" {
		s.Cluster.UID = t.Cluster.UID
	}
	c.waiting = append(c.waiting, o.waiting...)
	maps.Copy(c.gaps, o.gaps)
}
