package federation

import (
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// pair is what Azure holds once per identity.
type pair struct{ issuer, subject string }

// matcher finds, for one identity, what the wanted triples become.
type matcher struct {
	*planner
	group    *group
	existing []Credential // sorted by name; the buffer is used again for the next identity
	used     []bool       // existing credentials that a want has claimed
	pairs    map[pair]int // existing by pair; -1 for a pair that a want has claimed
	names    map[string]int
	open     []open
	done     []Change // keep, replace and create
	blocked  []catalog.Finding
	created  int
	unused   int // existing credentials that no want has claimed
}

const taken = -1

// open is a want whose pair is not there.
type open struct {
	need *catalog.Need
	Triple
}

func (m *matcher) reset(p *planner, g *group, have []Credential) {
	m.planner, m.group = p, g
	m.existing = append(m.existing[:0], have...)
	slices.SortFunc(m.existing, compareCredentials)
	existing := m.existing
	m.used = slices.Grow(m.used[:0], len(existing))[:len(existing)]
	clear(m.used)
	if m.pairs == nil {
		m.pairs, m.names = map[pair]int{}, map[string]int{}
	}
	clear(m.pairs)
	clear(m.names)
	for i := range existing {
		m.pairs[pair{existing[i].Issuer, existing[i].Subject}] = i
		m.names[strings.ToLower(existing[i].Name)] = i // ARM ignores the letter case of names
	}
	m.open, m.done, m.blocked, m.created, m.unused = m.open[:0], m.done[:0], m.blocked[:0], 0, len(existing)
}

// match settles every want: first those whose pair is there, so that no credential that is wanted elsewhere is replaced.
func (m *matcher) match() {
	for _, i := range m.group.needs {
		n := &m.cat.Needs[i]
		t, ok := m.want(n)
		if !ok {
			continue
		}
		at, there := m.pairs[pair{t.Issuer, t.Subject}]
		switch {
		case there && at == taken: // another need wants the same triple
		case there:
			m.found(n, t, at)
		default:
			m.open = append(m.open, open{n, t})
			m.pairs[pair{t.Issuer, t.Subject}] = taken
		}
	}
	for i := range m.open {
		if w := &m.open[i]; !m.follow(w.need, w.Triple) {
			m.create(w.need, w.Triple)
		}
	}
}

// want returns the triple that the need requires; ok is false where its cluster has no usable issuer or its subject is impossible.
func (m *matcher) want(n *catalog.Need) (Triple, bool) {
	i, ok := m.fleet.index[n.Cluster]
	if !ok || !m.fleet.usable[i] {
		return Triple{}, false
	}
	subject := Subject(n.Namespace, n.ServiceAccount)
	if !dnsName(n.Namespace) || !dnsName(n.ServiceAccount) || len(subject) > MaxValueLength {
		return Triple{}, false
	}
	return Triple{m.fleet.clusters[i].Issuer, subject, m.opts.Audience}, true
}

// found settles a want whose pair is there.
func (m *matcher) found(n *catalog.Need, t Triple, at int) {
	c := m.existing[at]
	m.claim(at)
	m.pairs[pair{t.Issuer, t.Subject}] = taken
	switch {
	case c.Audience == t.Audience && ownName(m.opts.NamePrefix, c.Name, n.Namespace, n.ServiceAccount):
		m.add(Keep, n, c, nil, "trusted already")
	case c.Audience == t.Audience:
		m.add(Keep, n, c, nil, "trusted already, under a name that somebody else chose")
	case m.opts.ReplaceAudience || ownName(m.opts.NamePrefix, c.Name, n.Namespace, n.ServiceAccount):
		m.add(Replace, n, t.named(c.Name), &c, "the issuer and subject are trusted for audience "+c.Audience+" only, and Azure holds such a pair once")
	default:
		m.blocked = append(m.blocked, audienceFinding(n, m.group.identity.ID(), c, t.Audience))
	}
}

func (m *matcher) add(a Action, n *catalog.Need, c Credential, before *Credential, why string) {
	m.done = append(m.done, Change{
		Action: a, Identity: m.group.identity.ID(), Credential: c, Before: before,
		Cluster: n.Cluster, Namespace: n.Namespace, ServiceAccount: n.ServiceAccount, Why: why,
	})
}

// named makes a credential of the triple.
func (t Triple) named(name string) Credential {
	return Credential{Name: name, Issuer: t.Issuer, Subject: t.Subject, Audience: t.Audience}
}
