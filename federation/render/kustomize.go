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
	"github.com/wimigrate/wimigrate/internal/workloadid"
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
	k := &kustomizer{cat: cat, out: leftOut{LeftOutError{Format: "kustomize"}}, components: map[string]*component{}, needed: map[string]catalog.Identity{}}
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
	slices.SortFunc(k.out.Items, func(a, b LeftOut) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Reason, b.Reason))
	})
	k.out.Items = slices.Compact(k.out.Items)
	return files, k.out.err()
}

type kustomizer struct {
	cat        *catalog.Catalog
	clientID   func(catalog.Identity) string
	out        leftOut
	components map[string]*component       // by path
	needed     map[string]catalog.Identity // by key, those with a client ID
}

// component is one namespace of one cluster.
type component struct {
	cluster, namespace string
	missing            map[string]bool // service accounts that are not there
	accounts           map[string]catalog.Identity
	conflicts          map[string]bool
	workloads          map[catalog.WorkloadRef]string // to their service account
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
	k.out.Items = append(k.out.Items, LeftOut{Cluster: cluster, Object: namespace + "/" + object, Reason: reason})
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

// templatePath is where a kind keeps the metadata of its pods; nil for kinds that are not known.
func templatePath(w catalog.WorkloadRef) []string {
	group, _, _ := strings.Cut(w.APIVersion, "/")
	switch group + " " + w.Kind {
	case "v1 Pod":
		return []string{}
	case "apps Deployment", "apps StatefulSet", "apps DaemonSet", "apps ReplicaSet", "batch Job", "v1 ReplicationController", "argoproj.io Rollout":
		return []string{"spec", "template"}
	case "batch CronJob":
		return []string{"spec", "jobTemplate", "spec", "template"}
	}
	return nil
}

// render writes the component: a file per object, so that a review is about one object at a time.
func (c *component) render(at string, files Files) error {
	if len(c.accounts) == 0 {
		return nil
	}
	title := "namespace " + c.namespace + " of cluster " + c.cluster
	var resources []string
	var patches []object
	put := func(name string, o object) error {
		text, err := documents(title, o)
		files[at+"/"+name] = text
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c.accounts)) {
		file := "serviceaccount-" + pathName(name) + ".yaml"
		if err := put(file, c.serviceAccount(name)); err != nil {
			return err
		}
		if c.missing[name] || name == "default" {
			resources = append(resources, file)
			continue
		}
		patches = append(patches, object{"path": file})
	}
	for _, w := range slices.SortedFunc(maps.Keys(c.workloads), compareRef) {
		file := pathName(strings.ToLower(w.Kind)+"-"+w.Name) + ".yaml"
		if _, taken := files[at+"/"+file]; taken { // one kind and name in two groups
			file = pathName(strings.ToLower(w.Kind)+"-"+w.Name+"."+w.APIVersion) + ".yaml"
		}
		if err := put(file, c.workload(w)); err != nil {
			return err
		}
		patches = append(patches, object{"path": file})
	}
	o := object{"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
	if len(resources) > 0 {
		o["resources"] = resources
	}
	if len(patches) > 0 {
		o["patches"] = patches
	}
	return put("kustomization.yaml", o)
}

func compareRef(a, b catalog.WorkloadRef) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.APIVersion, b.APIVersion))
}

func (c *component) serviceAccount(name string) object {
	id := c.accounts[name]
	annotations := object{workloadid.ClientIDAnnotation: id.ClientID}
	if id.TenantID != "" {
		annotations[workloadid.TenantIDAnnotation] = id.TenantID
	}
	return object{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": object{"name": name, "namespace": c.namespace, "annotations": annotations}}
}

func (c *component) workload(w catalog.WorkloadRef) object {
	o := object{"apiVersion": w.APIVersion, "kind": w.Kind, "metadata": object{"name": w.Name, "namespace": c.namespace}}
	at := o
	for _, step := range templatePath(w) {
		next, ok := at[step].(object)
		if !ok {
			next = object{}
			at[step] = next
		}
		at = next
	}
	meta, ok := at["metadata"].(object)
	if !ok {
		meta = object{}
		at["metadata"] = meta
	}
	meta["labels"] = object{workloadid.UseLabel: workloadid.UseValue}
	return o
}
