package federation

import (
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// follow replaces a credential of ours that stands for the same service account of the same cluster: its issuer is that of the cluster
// before it was rebuilt, or somebody edited it.
func (m *matcher) follow(n *catalog.Need, t Triple) bool {
	if m.opts.Rebuilt == AddThenRemove {
		return false
	}
	for k := 0; k < maxCandidates && m.unused > 0; k++ {
		at, ok := m.names[strings.ToLower(candidateName(m.opts.NamePrefix, n.Cluster, n.Namespace, n.ServiceAccount, k))]
		if !ok || at < 0 || m.used[at] {
			continue
		}
		c := m.existing[at]
		why := ""
		switch {
		case c.Name == IdentityBindingName:
		case c.Subject == t.Subject && nearly(c.Issuer) == nearly(t.Issuer):
			why = "its issuer differs from the cluster's by letter case, slash or space: " + c.Issuer
		case c.Subject == t.Subject && m.issuerOf(c.Issuer) != "":
			why = "it trusts cluster " + m.issuerOf(c.Issuer) + ", where nothing needs it, under the name for " + n.Cluster
		case c.Subject == t.Subject:
			why = "cluster " + n.Cluster + " has a new issuer; it was " + c.Issuer
		case c.Issuer == t.Issuer && m.kubernetes(c):
			why = "somebody changed its subject to " + c.Subject
		}
		if why == "" {
			continue
		}
		m.claim(at)
		m.add(Replace, n, t.named(c.Name), &c, why)
		return true
	}
	return false
}

// issuerOf returns the cluster that has the issuer, or "".
func (m *matcher) issuerOf(issuer string) string {
	if i, ok := m.fleet.byIssuer[issuer]; ok {
		return m.fleet.clusters[i].Name
	}
	return ""
}

func (m *matcher) kubernetes(c Credential) bool {
	_, _, ok := ParseSubject(c.Subject)
	return ok
}

// maxCandidates is how many derived names are looked through for a credential of ours.
const maxCandidates = 4

func (m *matcher) claim(at int) {
	m.used[at] = true
	m.unused--
}

// create picks the first derived name that is free.
func (m *matcher) create(n *catalog.Need, t Triple) {
	for k := 0; ; k++ {
		name := candidateName(m.opts.NamePrefix, n.Cluster, n.Namespace, n.ServiceAccount, k)
		key := strings.ToLower(name)
		if _, ok := m.names[key]; ok {
			continue
		}
		m.names[key] = taken
		why := "no credential trusts this service account yet"
		if k > 0 {
			why = "no credential trusts this service account yet; its first name is in use"
		}
		m.created++
		m.add(Create, n, t.named(name), nil, why)
		return
	}
}
