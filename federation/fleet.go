package federation

import (
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// fleet indexes the clusters of a catalog by name and by issuer.
type fleet struct {
	clusters  []catalog.Cluster
	index     map[string]int
	byIssuer  map[string]int
	byNearly  map[string]int
	usable    []bool // the cluster's issuer may go into a credential
	allKnown  bool   // every cluster's issuer is known
	needs     map[needKey]bool
	twice     []int // clusters whose issuer another one has
	malformed []error
}

type needKey struct {
	cluster                   int
	namespace, serviceAccount string
}

func newFleet(cat *catalog.Catalog) *fleet {
	f := &fleet{
		clusters: cat.Clusters, index: map[string]int{}, byIssuer: map[string]int{}, byNearly: map[string]int{},
		usable: make([]bool, len(cat.Clusters)), malformed: make([]error, len(cat.Clusters)), allKnown: true,
	}
	for _, i := range clusterOrder(cat.Clusters) {
		c := &cat.Clusters[i]
		f.index[c.Name] = i
		if c.Issuer == "" {
			f.allKnown = false
			continue
		}
		if f.malformed[i] = validateIssuer(c.Issuer); f.malformed[i] != nil {
			f.allKnown = false
			continue
		}
		f.usable[i] = true
		if _, ok := f.byIssuer[c.Issuer]; ok {
			f.twice = append(f.twice, i)
			continue
		}
		f.byIssuer[c.Issuer] = i
		if _, ok := f.byNearly[nearly(c.Issuer)]; !ok {
			f.byNearly[nearly(c.Issuer)] = i
		}
	}
	return f
}

// needed reports whether something in the cluster uses the service account. The index is built when first asked for: most plans of
// healthy fleets never do.
func (f *fleet) needed(cat *catalog.Catalog, cluster int, namespace, serviceAccount string) bool {
	if f.needs == nil {
		f.needs = make(map[needKey]bool, len(cat.Needs))
		for i := range cat.Needs {
			n := &cat.Needs[i]
			if c, ok := f.index[n.Cluster]; ok {
				f.needs[needKey{c, n.Namespace, n.ServiceAccount}] = true
			}
		}
	}
	return f.needs[needKey{cluster, namespace, serviceAccount}]
}

// nearly strips from an issuer what people get wrong: letter case, the trailing slash, and space around it.
func nearly(issuer string) string {
	return strings.ToLower(strings.TrimRight(strings.TrimSpace(issuer), "/"))
}

// IsAKSIssuer reports whether the URL has the shape of an issuer that AKS hosts: https://REGION.oic.prod-aks.azure.com/TENANT/GUID/ or,
// on old clusters, https://oidc.prod-aks.azure.com/GUID/. The issuer of AKS identity bindings is not one
// (https://learn.microsoft.com/azure/aks/use-oidc-issuer).
func IsAKSIssuer(issuer string) bool {
	rest, ok := strings.CutPrefix(nearly(issuer), "https://")
	if !ok {
		return false
	}
	host, path, _ := strings.Cut(rest, "/")
	if path == "" || strings.HasPrefix(host, "ib.oic.") {
		return false
	}
	return strings.HasPrefix(host, "oidc.prod-aks.azure.") || strings.Contains(host, ".oic.prod-aks.azure.")
}
