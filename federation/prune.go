package federation

import (
	"slices"
	"strings"
)

// prunable returns the changes that delete what is certainly dead, if the options ask for it: the name is one that this package could
// have made for that very service account, and its issuer or its service account is gone.
func (m *matcher) prunable() []Change {
	if !m.opts.Prune {
		return nil
	}
	var deletes []Change
	for i := range m.existing {
		c := &m.existing[i]
		if m.used[i] || !m.ours(c) || slices.Contains(m.opts.KeepNames, c.Name) {
			continue
		}
		if why := m.dead(c); why != "" {
			m.used[i] = true
			before := *c
			deletes = append(deletes, Change{Action: Delete, Identity: m.group.identity.ID(), Credential: before, Before: &before, Why: why})
		}
	}
	return deletes
}

// ours is the first guard.
func (m *matcher) ours(c *Credential) bool {
	namespace, account, ok := ParseSubject(c.Subject)
	if !ok || !ownName(m.opts.NamePrefix, c.Name, namespace, account) {
		return false
	}
	if cluster, ok := m.fleet.byIssuer[c.Issuer]; ok {
		// The issuer tells the cluster, so the name must be the one for it.
		return m.named(c.Name, m.fleet.clusters[cluster].Name, namespace, account)
	}
	for i := range m.fleet.clusters {
		if m.named(c.Name, m.fleet.clusters[i].Name, namespace, account) {
			return true
		}
	}
	return slices.ContainsFunc(m.opts.FormerClusters, func(cluster string) bool { return m.named(c.Name, cluster, namespace, account) })
}

// named reports whether the name is one that a plan gives for that service account of that cluster.
func (m *matcher) named(name, cluster, namespace, account string) bool {
	for k := range maxCandidates {
		if strings.EqualFold(name, candidateName(m.opts.NamePrefix, cluster, namespace, account, k)) {
			return true
		}
	}
	return false
}

// dead is the second guard: why nothing can need the credential any more, or "".
func (m *matcher) dead(c *Credential) string {
	switch m.verdict(c) {
	case deadIssuer:
		return "no cluster of the fleet has issuer " + c.Issuer
	case nearMiss:
		if m.fleet.allKnown && IsAKSIssuer(c.Issuer) {
			return "its issuer is none: it differs from a cluster's by letter case, slash or space: " + c.Issuer
		}
		return ""
	case unknownSubject:
		return "nothing in cluster " + m.fleet.clusters[m.fleet.byIssuer[c.Issuer]].Name + " uses this service account"
	default:
		return ""
	}
}

// verdict is what can be said of a credential that nothing wants.
type verdict int

const (
	foreign verdict = iota
	nearMiss
	deadIssuer
	unknownSubject
)

func (m *matcher) verdict(c *Credential) verdict {
	namespace, account, ok := ParseSubject(c.Subject)
	if !ok || strings.EqualFold(c.Name, IdentityBindingName) {
		return foreign
	}
	cluster, known := m.fleet.byIssuer[c.Issuer]
	switch {
	case known && m.alive(cluster, namespace, account):
		return foreign
	case known:
		return unknownSubject
	}
	if _, ok := m.fleet.byNearly[nearly(c.Issuer)]; ok {
		return nearMiss
	}
	if m.fleet.allKnown && IsAKSIssuer(c.Issuer) {
		return deadIssuer
	}
	return foreign
}

// alive reports whether the service account may still be there: something needs it, the caller knows it, or the reads were incomplete.
func (m *matcher) alive(cluster int, namespace, account string) bool {
	c := &m.fleet.clusters[cluster]
	return !c.Coverage.Knows("serviceaccounts", "pods", "deployments.apps") || m.fleet.needed(m.cat, cluster, namespace, account) ||
		m.opts.ServiceAccountExists != nil && m.opts.ServiceAccountExists(c.Name, namespace, account)
}

// foreign counts the credentials that nothing in the catalog wants.
func (m *matcher) foreign() int { return m.unused }

// appendChanges appends the identity's changes in the order in which Apply makes them: what stays, deletes, which free slots and pairs,
// replaces, which take none, and creates.
func (m *matcher) appendChanges(to, deletes []Change) []Change {
	pick := func(a Action) {
		for i := range m.done {
			if m.done[i].Action == a {
				to = append(to, m.done[i])
			}
		}
	}
	pick(Keep)
	to = append(to, deletes...)
	pick(Replace)
	pick(Create)
	return to
}
