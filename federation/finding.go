package federation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// Codes of the findings that only this package makes; the others are catalog's: federation-limit, dead-issuer, unknown-subject,
// dangling-identity, coverage-gap and malformed-object.
const (
	// NearMissIssuer: a credential's issuer is a cluster's but for letter case, a slash or space. Entra refuses such tokens. Remedy: the
	// plan adds or corrects the credential; delete a left-over one that you made by hand.
	NearMissIssuer catalog.Code = "near-miss-issuer"
	// SharedIssuer: two clusters have the same issuer, so one of them was pasted. Remedy: read the issuer from the cluster itself.
	SharedIssuer catalog.Code = "shared-issuer"
	// WrongAudience: the wanted issuer and subject are trusted for another audience, by a credential of somebody else. Azure holds such a
	// pair once. Remedy: correct the credential by hand, or let the plan do it with ReplaceAudience.
	WrongAudience catalog.Code = "wrong-audience"
	// CrossRegionTrust: clusters of more than one region can become the identity although regions are to be isolated. Remedy: one
	// identity per region.
	CrossRegionTrust catalog.Code = "cross-region-trust"
)

// clusterOrder returns the indices of the clusters by name.
func clusterOrder(clusters []catalog.Cluster) []int {
	order := make([]int, len(clusters))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(strings.Compare(clusters[a].Name, clusters[b].Name), strings.Compare(clusters[a].Issuer, clusters[b].Issuer))
	})
	return order
}

// findings reports the clusters that cannot be federated.
func (f *fleet) findings(cat *catalog.Catalog) []catalog.Finding {
	needs := make([]int, len(f.clusters))
	for i := range cat.Needs {
		if c, ok := f.index[cat.Needs[i].Cluster]; ok {
			needs[c]++
		}
	}
	var out []catalog.Finding
	for i := range f.clusters {
		c := &f.clusters[i]
		switch {
		case f.malformed[i] != nil:
			out = append(out, catalog.Finding{Code: catalog.MalformedObject, Severity: catalog.Blocking, Cluster: c.Name, Object: "Cluster/" + c.Name,
				Message: fmt.Sprintf("the issuer breaks a rule of Azure: %s; %d needs of the cluster are not federated", strings.TrimPrefix(f.malformed[i].Error(), "federation: "), needs[i]),
				Remedy:  "read the issuer from the cluster itself, byte for byte"})
		case c.Issuer == "" && needs[i] > 0:
			out = append(out, catalog.Finding{Code: catalog.CoverageGap, Severity: catalog.Error, Cluster: c.Name, Object: "Cluster/" + c.Name,
				Message: fmt.Sprintf("the issuer is not known: %d needs of the cluster are not federated", needs[i]),
				Remedy:  "enable the OIDC issuer (az aks update --enable-oidc-issuer) or give the source a way to read it"})
		}
	}
	for _, i := range f.twice {
		c := &f.clusters[i]
		out = append(out, catalog.Finding{Code: SharedIssuer, Severity: catalog.Error, Cluster: c.Name, Object: "Cluster/" + c.Name,
			Message: fmt.Sprintf("cluster %s has the same issuer: %s", f.clusters[f.byIssuer[c.Issuer]].Name, c.Issuer),
			Remedy:  "every cluster has an issuer of its own: read it from the cluster"})
	}
	return out
}

// needFindings reports the needs that no credential can be made for.
func needFindings(cat *catalog.Catalog, ids assignment) []catalog.Finding {
	var out []catalog.Finding
	for i := range cat.Needs {
		n := &cat.Needs[i]
		if ids.of(i).ID() == "" {
			out = append(out, catalog.Finding{Code: catalog.DanglingIdentity, Severity: catalog.Error, Cluster: n.Cluster, Namespace: n.Namespace,
				Object: "ServiceAccount/" + n.ServiceAccount, Message: fmt.Sprintf("identity %q has neither a resource ID nor a client ID: nothing can trust the service account", ids.of(i).Name),
				Remedy: "complete the AzureIdentity, or remove it"})
		}
		if !dnsName(n.Namespace) || !dnsName(n.ServiceAccount) {
			err := validateSubject(Subject(n.Namespace, n.ServiceAccount))
			out = append(out, catalog.Finding{Code: catalog.MalformedObject, Severity: catalog.Error, Cluster: n.Cluster, Namespace: n.Namespace,
				Object: "ServiceAccount/" + n.ServiceAccount, Message: "no token can carry the name: " + strings.TrimPrefix(fmt.Sprint(err), "federation: "),
				Remedy: "correct the name in the manifest"})
		}
	}
	return out
}

// findings reports what is wrong with the credentials of one identity.
func (m *matcher) findings(deletes []Change) []catalog.Finding {
	out := slices.Clone(m.blocked)
	report := func(c *Credential, pruned bool) {
		if f, ok := m.leftover(c, pruned); ok {
			out = append(out, f)
		}
	}
	for i := range m.existing {
		if !m.used[i] {
			report(&m.existing[i], false)
		}
	}
	for i := range deletes {
		report(deletes[i].Before, true)
	}
	for i := range m.done {
		if m.done[i].Action == Replace {
			report(m.done[i].Before, true)
		}
	}
	if m.opts.RegionalIsolation {
		out = append(out, m.crossRegion()...)
	}
	return out
}

// leftover is the finding about a credential that nothing wants, or that the plan is about to change.
func (m *matcher) leftover(c *Credential, mended bool) (catalog.Finding, bool) {
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
	if mended {
		f.Remedy = "the plan mends it"
	}
	return f, true
}

func audienceFinding(n *catalog.Need, id string, c Credential, want string) catalog.Finding {
	return catalog.Finding{Code: WrongAudience, Severity: catalog.Error, Cluster: n.Cluster, Namespace: n.Namespace, Object: "FederatedIdentityCredential/" + c.Name,
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

func sortFindings(f []catalog.Finding) {
	slices.SortFunc(f, func(a, b catalog.Finding) int {
		return cmp.Or(strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Namespace, b.Namespace), strings.Compare(string(a.Code), string(b.Code)),
			strings.Compare(a.Object, b.Object), strings.Compare(a.Message, b.Message))
	})
}
