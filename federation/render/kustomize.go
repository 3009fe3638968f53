package render

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// KustomizeOptions are the choices of [Kustomize]. The zero value is ready to use.
type KustomizeOptions struct {
	// ClientID returns the client ID of an identity that the plan proposes, once it exists; "" where it does not yet. Nil: none do.
	ClientID func(catalog.Identity) string
}

// Kustomize renders what the workloads of a plan need in Kubernetes, as a kustomize component per namespace, clusters/NAME/NAMESPACE:
// the client ID (and tenant ID, where known) on each service account, and the label azure.workload.identity/use on each pod template.
// Labels and annotations of Pod Identity stay: both paths work until the cutover removes them.
//
// Add the folder to the components of the kustomization that builds the namespace. Patches name their object, so that kustomize fails
// where it is not part of the build. A service account that the catalog reports missing, and the one called default, which is in no
// one's Git, are resources instead.
//
// What cannot be patched comes back in a [*LeftOutError] beside the files: service accounts that would need two client IDs, identities
// without one, kinds whose pod template is not known.
func Kustomize(p *federation.Plan, cat *catalog.Catalog, opts *KustomizeOptions) (Files, error) {
	if p == nil || cat == nil {
		return nil, errors.New("render: a plan and a catalog are required")
	}
	k := &kustomizer{cat: cat, out: leftOutList{format: "kustomize"}, components: map[string]*component{}, needed: map[string]catalog.Identity{}}
	for _, n := range cat.Needs {
		if n.Identity.ClientID != "" {
			k.needed[n.Identity.Key()] = n.Identity
		}
	}
	if opts != nil {
		k.clientID = opts.ClientID
	}
	if err := k.collect(p); err != nil {
		return nil, err
	}
	files := Files{}
	for _, at := range slices.Sorted(maps.Keys(k.components)) {
		if err := k.components[at].render(at, files); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(k.out.items, func(a, b LeftOut) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Reason, b.Reason))
	})
	k.out.items = slices.Compact(k.out.items)
	return files, k.out.err()
}

type kustomizer struct {
	cat        *catalog.Catalog
	clientID   func(catalog.Identity) string
	out        leftOutList
	components map[string]*component       // by path
	needed     map[string]catalog.Identity // by key, those with a client ID
}

// collect gathers the service accounts that the plan trusts, and the workloads behind them.
func (k *kustomizer) collect(p *federation.Plan) error {
	identities := map[string]federation.IdentityPlan{}
	for _, id := range p.Identities {
		identities[id.ID] = id
	}
	var text checker
	for _, c := range p.Changes {
		if !wanted(c) {
			continue
		}
		id, ok := identities[c.Identity]
		if !ok {
			id.Identity = identityOf(c.Identity)
		}
		text.check(c.Cluster, c.Namespace, c.ServiceAccount, id.Identity.ClientID, id.Identity.TenantID)
		if id.Blocked != "" {
			k.leave(c.Cluster, c.Namespace, "ServiceAccount/"+c.ServiceAccount, "the plan blocks its identity: it "+id.Blocked)
			continue
		}
		k.account(c, k.known(id.Identity))
	}
	for _, n := range k.cat.Needs {
		at := k.components[componentPath(n.Cluster, n.Namespace)]
		if at == nil {
			continue
		}
		for _, w := range n.Workloads {
			text.check(w.APIVersion, w.Kind, w.Name)
			at.workloads[w] = n.ServiceAccount
		}
	}
	if err := text.err(); err != nil {
		return err
	}
	k.check()
	return nil
}

func componentPath(cluster, namespace string) string {
	return ClusterFolder(cluster) + "/" + pathName(namespace)
}

func (k *kustomizer) leave(cluster, namespace, object, reason string) {
	k.out.items = append(k.out.items, LeftOut{Cluster: cluster, Object: namespace + "/" + object, Reason: reason})
}

// known fills in the client ID: what the plan has, what a need has for the same identity, what the caller knows.
func (k *kustomizer) known(id catalog.Identity) catalog.Identity {
	if n, ok := k.needed[id.Key()]; ok && id.ClientID == "" {
		id.ClientID, id.TenantID = n.ClientID, cmp.Or(id.TenantID, n.TenantID)
	}
	if id.ClientID == "" && k.clientID != nil {
		id.ClientID = k.clientID(id)
	}
	return id
}

func (k *kustomizer) account(c federation.Change, id catalog.Identity) {
	at := componentPath(c.Cluster, c.Namespace)
	if k.components[at] == nil {
		k.components[at] = &component{
			cluster: c.Cluster, namespace: c.Namespace, accounts: map[string]catalog.Identity{}, conflicts: map[string]bool{},
			missing: map[string]bool{}, workloads: map[catalog.WorkloadRef]string{},
		}
	}
	n := k.components[at]
	if other, ok := n.accounts[c.ServiceAccount]; ok && other.Key() != id.Key() {
		n.conflicts[c.ServiceAccount] = true
	}
	n.accounts[c.ServiceAccount] = id
}

// check takes out what cannot be rendered, with its workloads.
func (k *kustomizer) check() {
	for _, f := range k.cat.Findings {
		if name, ok := strings.CutPrefix(f.Object, "ServiceAccount/"); ok && f.Code == catalog.MissingServiceAccount {
			if at := k.components[componentPath(f.Cluster, f.Namespace)]; at != nil {
				at.missing[name] = true
			}
		}
	}
	for _, at := range k.components {
		for name, id := range at.accounts {
			reason := ""
			switch {
			case at.conflicts[name]:
				reason = "it uses several identities and can name but one: give each workload a service account of its own"
			case id.ClientID == "":
				reason = fmt.Sprintf("the client ID of identity %s is not known: create it, then render again with ClientID", id.ID())
			}
			if reason != "" {
				k.leave(at.cluster, at.namespace, "ServiceAccount/"+name, reason)
				delete(at.accounts, name)
			}
		}
		for w, account := range at.workloads {
			if _, ok := at.accounts[account]; !ok {
				delete(at.workloads, w)
			} else if templatePath(w) == nil {
				k.leave(at.cluster, at.namespace, w.String(), fmt.Sprintf("where %s keeps its pod template is not known: label it by hand", w.APIVersion))
				delete(at.workloads, w)
			}
		}
	}
}
