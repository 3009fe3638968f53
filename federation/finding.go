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
				Message: fmt.Sprintf("the issuer breaks a rule of Azure: %s; the cluster's %s cannot be federated",
					strings.TrimPrefix(f.malformed[i].Error(), "federation: "), needsOf(needs[i])),
				Remedy: "read the issuer from the cluster itself, byte for byte"})
		case c.Issuer == "" && needs[i] > 0:
			out = append(out, catalog.Finding{Code: catalog.CoverageGap, Severity: catalog.Error, Cluster: c.Name, Object: "Cluster/" + c.Name,
				Message: fmt.Sprintf("the issuer is not known: the cluster's %s cannot be federated", needsOf(needs[i])),
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

func needsOf(n int) string {
	if n == 1 {
		return "1 need"
	}
	return fmt.Sprintf("%d needs", n)
}

// needFindings reports the needs that no credential can be made for.
func needFindings(cat *catalog.Catalog, ids assignment) []catalog.Finding {
	var out []catalog.Finding
	for i := range cat.Needs {
		n := &cat.Needs[i]
		if ids.of(i).ID() == "" {
			out = append(out, catalog.Finding{Code: catalog.DanglingIdentity, Severity: catalog.Error, Cluster: n.Cluster, Namespace: n.Namespace,
				Object:  "ServiceAccount/" + n.ServiceAccount,
				Message: fmt.Sprintf("identity %q has neither a resource ID nor a client ID: nothing can trust the service account", ids.of(i).Name),
				Remedy:  "complete the AzureIdentity, or remove it"})
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

func sortFindings(f []catalog.Finding) {
	slices.SortFunc(f, func(a, b catalog.Finding) int {
		return cmp.Or(strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Namespace, b.Namespace), strings.Compare(string(a.Code), string(b.Code)),
			strings.Compare(a.Object, b.Object), strings.Compare(a.Message, b.Message))
	})
}
