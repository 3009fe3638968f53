package federation

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

const (
	identityProvider = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"
	// unknownScope stands where nothing tells in which resource group a proposed identity would be.
	unknownScope = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/proposed"
	// maxIdentityName is Azure's limit for the name of a user-assigned identity
	// (https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftmanagedidentity).
	maxIdentityName = 128
)

// ProposeIdentity names a user-assigned identity that does not exist yet, in a scope (/subscriptions/ID/resourceGroups/NAME). Parts
// that a name may not hold are mended as in CredentialName.
func ProposeIdentity(scope, name, tenantID string) catalog.Identity {
	if scope == "" {
		scope = unknownScope
	}
	legal := mend(name, maxIdentityName)
	if legal != name {
		sum := sha256.Sum256([]byte(name))
		legal = mend(name, maxIdentityName-1-nameHashLength) + "_" + hex.EncodeToString(sum[:])[:nameHashLength]
	}
	return catalog.Identity{
		Kind: catalog.UserAssigned, Name: legal, ResourceID: strings.TrimSuffix(scope, "/") + identityProvider + legal, TenantID: tenantID,
	}
}

// scopeOf returns the subscription and resource group of a resource ID, or "".
func scopeOf(resourceID string) string {
	i := strings.Index(strings.ToLower(resourceID), "/providers/")
	if i < 0 || !strings.Contains(strings.ToLower(resourceID[:i]), "/resourcegroups/") {
		return ""
	}
	return resourceID[:i]
}

// proposal collects, for one proposed identity, the need whose scope and tenant it takes: one whose identity has a scope, if any, and
// of those the first by cluster and identity.
type proposal struct {
	need           *catalog.Need
	scope, cluster string
}

func (p *proposal) offer(n *catalog.Need, c catalog.Cluster) {
	scope := scopeOf(n.Identity.ResourceID)
	if p.need != nil {
		order := cmp.Or(compareBool(scope == "", p.scope == ""), strings.Compare(n.Cluster, p.need.Cluster),
			strings.Compare(n.Identity.Key(), p.need.Identity.Key()), strings.Compare(n.Identity.ResourceID, p.need.Identity.ResourceID))
		if order >= 0 {
			return
		}
	}
	*p = proposal{need: n, scope: scope, cluster: scopeOf(c.ResourceID)}
}

func compareBool(a, b bool) int {
	if a == b {
		return 0
	}
	if a {
		return 1
	}
	return -1
}

func (p *proposal) identity(scope, name string) catalog.Identity {
	return ProposeIdentity(cmp.Or(scope, p.scope, p.cluster), name, p.need.Identity.TenantID)
}

// account is what a workload is to a fleet: the same service account in all clusters.
type account struct{ namespace, serviceAccount, identity string }

func assignPerWorkload(cat *catalog.Catalog, scope string) []catalog.Identity {
	several := accountsWithSeveralIdentities(cat)
	key := func(n *catalog.Need) account {
		a := account{namespace: n.Namespace, serviceAccount: n.ServiceAccount}
		if several[a] {
			a.identity = n.Identity.Name
		}
		return a
	}
	return propose(cat, scope, key, func(a account) string {
		name := "id-" + a.namespace + "_" + a.serviceAccount
		if a.identity != "" {
			name += "_" + a.identity
		}
		return name
	})
}

func assignPerCluster(cat *catalog.Catalog, scope string) []catalog.Identity {
	return propose(cat, scope, func(n *catalog.Need) string { return n.Cluster }, func(cluster string) string { return "id-" + cluster })
}

// propose gives all needs of one key the same proposed identity.
func propose[K comparable](cat *catalog.Catalog, scope string, key func(*catalog.Need) K, name func(K) string) []catalog.Identity {
	clusters := clustersByName(cat)
	groups := map[K]*proposal{}
	for i := range cat.Needs {
		n := &cat.Needs[i]
		g := groups[key(n)]
		if g == nil {
			g = &proposal{}
			groups[key(n)] = g
		}
		g.offer(n, clusters[n.Cluster])
	}
	made := make(map[K]catalog.Identity, len(groups))
	for k, g := range groups {
		made[k] = g.identity(scope, name(k))
	}
	ids := make([]catalog.Identity, len(cat.Needs))
	for i := range cat.Needs {
		ids[i] = made[key(&cat.Needs[i])]
	}
	return ids
}

// accountsWithSeveralIdentities finds the service accounts that use more than one identity within one cluster.
func accountsWithSeveralIdentities(cat *catalog.Catalog) map[account]bool {
	type inCluster struct {
		account
		cluster string
	}
	seen, several := map[inCluster]string{}, map[account]bool{}
	for i := range cat.Needs {
		n := &cat.Needs[i]
		at := inCluster{account{namespace: n.Namespace, serviceAccount: n.ServiceAccount}, n.Cluster}
		if id, ok := seen[at]; ok && id != n.Identity.Key() {
			several[at.account] = true
		}
		seen[at] = n.Identity.Key()
	}
	return several
}
