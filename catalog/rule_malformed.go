package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// noteMalformed reports what could not be read as it is written. It runs last: other rules add to what is invalid.
func (e *estate) noteMalformed(r *reporter) {
	for _, m := range e.malformed() {
		r.add(Finding{Code: MalformedObject, Namespace: m.Namespace, Object: malformedObject(m), Message: malformedMessage(m),
			Remedy: "correct " + cmp.Or(m.Field, "it") + " at " + cmp.Or(m.Origin, "its source") + ", and scan again: it was left out"})
		if m.Object == "" {
			r.coverage(Cluster{Name: r.cluster, Coverage: Coverage{Gaps: []Gap{m.gap()}}})
		}
	}
	for _, b := range e.bindings {
		noteMisCased(r, &b.Meta, "AzureIdentityBinding", b.MisCased)
	}
	for _, id := range e.identities {
		noteMisCased(r, &id.Meta, "AzureIdentity", id.MisCased)
	}
	for _, list := range e.exceptions {
		for _, x := range list {
			noteMisCased(r, &x.Meta, "AzurePodIdentityException", x.MisCased)
		}
	}
	for _, a := range e.accounts {
		noteAnnotations(r, a)
	}
}

// malformedObject gives Kind/name, also for a document of which neither is known.
func malformedObject(m Malformed) string {
	if strings.Contains(m.Object, "/") {
		return m.Object
	}
	if m.Object != "" {
		return m.Object + "/"
	}
	return "Document/" + m.Origin
}

// malformed is what could not be used, each once, with its origin for people. Objects that have no name to tell them apart, in one
// file and wrong in one way, are counted.
func (e *estate) malformed() []Malformed {
	count := map[Malformed]int{}
	var out []Malformed
	for _, m := range append(slices.Clone(e.snap.Malformed), e.invalid...) {
		m.Origin = m.where()
		if count[m]++; count[m] == 1 {
			out = append(out, m)
		}
	}
	for i, m := range out {
		if n := count[m]; n > 1 && strings.HasSuffix(malformedObject(m), "/") {
			out[i].Reason += fmt.Sprintf(" (%d objects)", n)
		}
	}
	return out
}

// where is the origin for people: a file without the position in it, which would only make two dumps of one cluster, with their items in
// another order, read differently. A document of which nothing is known can be found by nothing else.
func (m Malformed) where() string {
	if i := strings.LastIndex(m.Origin, "#"); i >= 0 && m.Object != "" && strings.HasPrefix(m.Origin, "file:") {
		return m.Origin[:i]
	}
	return m.Origin
}

func malformedMessage(m Malformed) string {
	where := cmp.Or(m.Origin, "unknown origin")
	if m.Field != "" {
		return fmt.Sprintf("%s: %s: %s", where, m.Field, m.Reason)
	}
	return fmt.Sprintf("%s: %s", where, m.Reason)
}

// noteMisCased reports keys as releases before v1.6.0 wrote them. They were read; the API server's schema of today would drop them.
// https://azure.github.io/aad-pod-identity/docs/#v1.6.0-breaking-change
func noteMisCased(r *reporter, m *Meta, kind string, keys []string) {
	if len(keys) == 0 {
		return
	}
	keys = slices.Sorted(slices.Values(keys))
	r.add(Finding{Code: MalformedObject, Severity: Info, Namespace: m.Namespace, Object: kind + "/" + m.Name,
		Message: fmt.Sprintf("keys in the letter case of before v1.6.0 (%s) were read all the same", list(keys)),
		Remedy:  "write them in camelCase if the object is ever applied again: the schema of today drops them in silence"})
}

// noteAnnotations reports a token life that makes the webhook refuse every pod of the service account.
// https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
func noteAnnotations(r *reporter, a *ServiceAccount) {
	v, ok := a.Annotations[workloadid.TokenExpirationAnnotation]
	if !ok {
		return
	}
	const least, most = 3600, 86400
	if n, err := strconv.Atoi(v); err == nil && n >= least && n <= most {
		return
	}
	r.add(Finding{Code: MalformedObject, Namespace: a.Namespace, Object: "ServiceAccount/" + a.Name,
		Message: fmt.Sprintf("annotation %s is %q: the webhook refuses its pods", workloadid.TokenExpirationAnnotation, clip(v)),
		Remedy:  fmt.Sprintf("set it to seconds from %d to %d, or remove it", least, most)})
}
