package cutover

import (
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// facts is what snapshots and findings add to the catalog, by where it is.
type facts struct {
	meta      map[factKey]catalog.Meta
	source    map[factKey]string // where a file has the manifest
	workloads map[factKey]catalog.Workload
	addOn     map[string]*catalog.AddOn
	managed   map[factKey]bool
	// identityOf is the AzureIdentity that a binding names.
	identityOf map[factKey]string
	// borrowed maps an object to the Argo Rollout that runs its template.
	borrowed map[factKey]catalog.Workload
	// fromElsewhere holds the bindings ("namespace/name") that a need of another namespace rests on.
	fromElsewhere map[factKey]bool
}

type factKey struct{ cluster, namespace, kind, name string }

func gatherFacts(cat *catalog.Catalog, snapshots []*catalog.Snapshot) *facts {
	f := &facts{
		meta: map[factKey]catalog.Meta{}, source: map[factKey]string{}, workloads: map[factKey]catalog.Workload{}, addOn: map[string]*catalog.AddOn{},
		managed: map[factKey]bool{}, identityOf: map[factKey]string{}, borrowed: map[factKey]catalog.Workload{}, fromElsewhere: map[factKey]bool{},
	}
	for _, s := range snapshots {
		if s != nil {
			f.addSnapshot(s)
		}
	}
	for _, x := range cat.Findings {
		if kind, name, ok := strings.Cut(x.Object, "/"); ok && x.Code == catalog.GitOpsManaged {
			f.managed[factKey{x.Cluster, x.Namespace, kind, name}] = true
		}
	}
	for _, n := range cat.Needs {
		for _, b := range n.Bindings {
			if ns, name, ok := strings.Cut(b, "/"); ok && ns != n.Namespace {
				f.fromElsewhere[factKey{n.Cluster, ns, "AzureIdentityBinding", name}] = true
			}
		}
	}
	return f
}

func (f *facts) addSnapshot(s *catalog.Snapshot) {
	c := s.Cluster.Name
	put := func(kind string, m catalog.Meta) {
		k := factKey{c, m.Namespace, kind, m.Name}
		f.meta[k] = m
		if file, ok := strings.CutPrefix(m.Origin, "file:"); ok {
			f.source[k] = file
		}
	}
	for _, x := range s.Bindings {
		put("AzureIdentityBinding", x.Meta)
		f.identityOf[factKey{c, x.Namespace, "AzureIdentityBinding", x.Name}] = x.AzureIdentity
	}
	for _, x := range s.Identities {
		put("AzureIdentity", x.Meta)
	}
	for _, x := range s.ServiceAccounts {
		put("ServiceAccount", x.Meta)
	}
	for _, x := range s.Workloads {
		put(x.Kind, x.Meta)
		f.workloads[factKey{c, x.Namespace, x.Kind, x.Name}] = x
		if x.Ref != nil {
			f.borrowed[factKey{c, x.Namespace, x.Ref.Kind, x.Ref.Name}] = x
		}
	}
	f.addOn[c] = s.AddOn
}

// uid returns the UID of an object as far as a snapshot knows it.
func (f *facts) uid(cluster, namespace, kind, name string) string {
	return f.meta[factKey{cluster, namespace, kind, name}].UID
}

// owner returns the GitOps tool behind an object: "git" where only a finding tells that there is one.
func (f *facts) owner(cluster, namespace, kind, name string) string {
	k := factKey{cluster, namespace, kind, name}
	if m := f.meta[k].Manager; m != "" {
		return m
	}
	if f.managed[k] {
		return "git"
	}
	return ""
}

// byAddOn reports whether a binding or identity was made by the AKS add-on from ARM's podIdentityProfile, which would make it again.
func (f *facts) byAddOn(cluster, namespace, kind, name string) bool {
	a := f.addOn[cluster]
	if a == nil || !a.Enabled {
		return false
	}
	// AKS makes one AzureIdentity, of the entry's name, and one binding to it per entry.
	// https://learn.microsoft.com/azure/aks/use-azure-ad-pod-identity
	identity := name
	if kind == podidentity.KindBinding {
		identity = f.identityOf[factKey{cluster, namespace, kind, name}]
	}
	for _, id := range a.Identities {
		if id.Namespace == namespace && identity == id.Name {
			return true
		}
	}
	return false
}
