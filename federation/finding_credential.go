package federation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// findings reports what is wrong with the credentials of one identity.
func (m *matcher) findings(deletes []Change) []catalog.Finding {
	out := slices.Clone(m.blocked)
	for i := range m.existing {
		if m.used[i] {
			continue
		}
		if f, ok := m.leftover(&m.existing[i]); ok {
			out = append(out, f)
		}
	}
	for _, changes := range [][]Change{deletes, m.done} {
		for i := range changes {
			c := &changes[i]
			if c.Before == nil {
				continue
			}
			if f, ok := m.leftover(c.Before); ok {
				f.Cluster, f.Remedy = cmp.Or(f.Cluster, c.Cluster), "the plan mends it"
				out = append(out, f)
			}
		}
	}
	if m.opts.RegionalIsolation {
		out = append(out, m.crossRegion()...)
	}
	return out
}

// leftover is the finding about a credential that nothing wants, or that the plan is about to change.
func (m *matcher) leftover(c *Credential) (catalog.Finding, bool) {
	namespace, _, _ := ParseSubject(c.Subject)
	f := catalog.Finding{Severity: catalog.Warning, Namespace: namespace, Object: "FederatedIdentityCredential/" + c.Name}
	id := m.group.identity.ID()
	switch m.verdict(c) {
	case deadIssuer:
		f.Code = catalog.DeadIssuer
		f.Message = fmt.Sprintf("%s trusts %s of issuer %s, which no cluster of the fleet has", id, c.Subject, c.Issuer)
		f.Remedy = "a cluster was rebuilt or is gone: remove the trust"
	case unknownSubject:
		f.Code, f.Cluster = catalog.UnknownSubject, m.fleet.clusters[m.fleet.byIssuer[c.Issuer]].Name
		f.Message = fmt.Sprintf("%s trusts %s, which nothing in the cluster uses", id, c.Subject)
		f.Remedy = "remove the trust unless the service account is about to come"
	case nearMiss:
		cluster := m.fleet.clusters[m.fleet.byNearly[nearly(c.Issuer)]]
		f.Code, f.Severity, f.Cluster = NearMissIssuer, catalog.Error, cluster.Name
		f.Message = fmt.Sprintf("%s trusts issuer %q, the cluster's is %q: Entra compares them byte for byte and refuses every token", id, c.Issuer, cluster.Issuer)
		f.Remedy = "use the exact issuer"
	default:
		return f, false
	}
	return f, true
}

func audienceFinding(n *catalog.Need, id string, c Credential, want string) catalog.Finding {
	return catalog.Finding{Code: WrongAudience, Severity: catalog.Error, Cluster: n.Cluster, Namespace: n.Namespace,
		Object:  "FederatedIdentityCredential/" + c.Name,
		Message: fmt.Sprintf("%s trusts %s for audience %q; the tokens have %q", id, c.Subject, c.Audience, want),
		Remedy:  "Azure holds an issuer and subject once: correct this credential, or plan with ReplaceAudience"}
}

// crossRegion reports an identity that clusters of more than one region can become once the plan is done.
func (m *matcher) crossRegion() []catalog.Finding {
	in := map[string][]string{}
	note := func(issuer string) {
		if i, ok := m.fleet.byIssuer[issuer]; ok && m.fleet.clusters[i].Region != "" {
			c := &m.fleet.clusters[i]
			if !slices.Contains(in[c.Region], c.Name) {
				in[c.Region] = append(in[c.Region], c.Name)
			}
		}
	}
	for i := range m.done {
		note(m.done[i].Credential.Issuer)
	}
	for i := range m.existing {
		if !m.used[i] {
			note(m.existing[i].Issuer)
		}
	}
	if len(in) < 2 {
		return nil
	}
	var parts []string
	for region, clusters := range in {
		slices.Sort(clusters)
		parts = append(parts, region+" ("+strings.Join(clusters, ", ")+")")
	}
	slices.Sort(parts)
	return []catalog.Finding{{Code: CrossRegionTrust, Severity: catalog.Error, Object: objectOf(m.group.identity),
		Message: fmt.Sprintf("clusters of %d regions can become %s: %s", len(in), m.group.identity.ID(), strings.Join(parts, ", ")),
		Remedy:  "give each region an identity of its own, and remove the trust of the other"}}
}
