package catalog

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

func (m *Meta) meta() *Meta { return m }

// part tells the pod templates of one object apart; a Workload has its own.
func (m *Meta) part() string { return "" }

func (w *Workload) part() string { return w.TemplatePath }

func (m *Meta) key() key { return key{m.Namespace, m.Name} }

// group returns the API group of the object.
func (m *Meta) group() string { return groupOf(m.APIVersion) }

// groupOf returns the group of an apiVersion; "" is the core group.
func groupOf(apiVersion string) string {
	group, _, found := strings.Cut(apiVersion, "/")
	if !found {
		return ""
	}
	return group
}

// object is a pointer to a fact that carries Meta.
type object[T any] interface {
	*T
	meta() *Meta
	part() string
}

// unique returns the facts sorted, each object once: where dumps overlap, the newest by resourceVersion. A namespace left out means
// default, as for kubectl. Objects with names that Kubernetes refuses are set aside in bad.
func unique[T any, P object[T]](in []T, kind string, bad *[]Malformed) []P {
	out := make([]P, 0, len(in))
	for i := range in {
		p := P(&in[i])
		if p.meta().Namespace == "" {
			copied := in[i]
			p = P(&copied)
			p.meta().Namespace = "default"
		}
		if reason := badName(p.meta()); reason != "" {
			*bad = append(*bad, malformedName(p.meta(), kind, reason))
			continue
		}
		out = append(out, p)
	}
	slices.SortFunc(out, compareFacts[T, P])
	return slices.CompactFunc(out, func(a, b P) bool { return sameObject(a.meta(), b.meta()) && a.part() == b.part() })
}

func badName(m *Meta) string {
	switch {
	case !validNamespace(m.Namespace):
		return fmt.Sprintf("metadata.namespace %q is not a name that Kubernetes accepts", clip(m.Namespace))
	case !validName(strings.TrimSuffix(m.Name, "-")): // a generateName ends in a dash
		return fmt.Sprintf("metadata.name %q is not a name that Kubernetes accepts", clip(m.Name))
	}
	return ""
}

func malformedName(m *Meta, kind, reason string) Malformed {
	if m.Kind != "" {
		kind = m.Kind
	}
	return Malformed{Origin: m.Origin, Object: kind + "/" + m.Name, Namespace: m.Namespace, Field: "metadata", Reason: reason}
}

func sameObject(a, b *Meta) bool {
	return a.key() == b.key() && a.Kind == b.Kind && a.group() == b.group()
}

// compareFacts is a total order over facts: by object, newest first, and where two dumps differ under one resourceVersion by content.
func compareFacts[T any, P object[T]](a, b P) int {
	x, y := a.meta(), b.meta()
	if c := cmp.Or(
		strings.Compare(x.Namespace, y.Namespace),
		strings.Compare(x.Name, y.Name),
		strings.Compare(x.Kind, y.Kind),
		strings.Compare(x.group(), y.group()),
		strings.Compare(a.part(), b.part()),
		cmp.Compare(len(y.ResourceVersion), len(x.ResourceVersion)),
		strings.Compare(y.ResourceVersion, x.ResourceVersion),
	); c != 0 {
		return c
	}
	left, _ := json.Marshal(a)  // plain data: cannot fail
	right, _ := json.Marshal(b) // plain data: cannot fail
	return strings.Compare(string(left), string(right))
}

// clip keeps messages short whatever is quoted in them.
func clip(s string) string {
	const most = 240 // room for an ARM resource ID
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
