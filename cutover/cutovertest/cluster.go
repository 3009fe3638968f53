package cutovertest

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
)

// Cluster is one simulated cluster. It implements cutover.Cluster, and is safe for concurrent use.
type Cluster struct {
	fleet  *Fleet
	name   string
	region string
	issuer string
	key    []byte

	objects  map[place]map[string]*object
	version  int
	watchers []*watcher
	sets     map[string]*workload // by UID
	nodes    []*node
	nmi      nmi
	webhook  webhook
	born     int
	agents   []func(o *object)
	// repositories are what the cluster's Kustomizations apply.
	repositories []*Repository
}

var _ cutover.Cluster = (*Cluster)(nil)

func newCluster(f *Fleet, name, region string) *Cluster {
	c := &Cluster{
		fleet: f, name: name, region: region, key: []byte("key of " + name),
		issuer:  fmt.Sprintf("https://%s.oic.prod-aks.azure.com/%s/%s/", region, Tenant, f.uid()),
		objects: map[place]map[string]*object{}, sets: map[string]*workload{},
		nmi:     nmi{served: map[string]map[string]int64{}, refused: map[string]map[string]int64{}, assigned: map[string]bool{}},
		webhook: webhook{seen: map[string][]sighting{}},
	}
	c.create(namespaceObject("kube-system"), "")
	c.create(webhookObject(c.caBundle()), "")
	c.create(hookEndpoints(), "")
	return c
}

// Name is the fleet's name of the cluster.
func (c *Cluster) Name() string { return c.name }

// Region is where the cluster is.
func (c *Cluster) Region() string { return c.region }

// Issuer is the OIDC issuer of the cluster's tokens.
func (c *Cluster) Issuer() string { return c.issuer }

// begin locks the fleet for one call and lets everything happen that is due.
func (c *Cluster) begin() {
	c.fleet.mu.Lock()
	c.fleet.catchUp()
	c.fleet.requests++
}

// Get implements cutover.Reader.
func (c *Cluster) Get(ctx context.Context, ref cutover.Ref) (*unstructured.Unstructured, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.begin()
	defer c.fleet.mu.Unlock()
	o := c.find(ref.Kind, ref.Namespace, ref.Name)
	if o == nil {
		return nil, notFound(ref)
	}
	return o.public(), nil
}

// List implements cutover.Reader.
func (c *Cluster) List(ctx context.Context, sel cutover.Selection) ([]*unstructured.Unstructured, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.begin()
	defer c.fleet.mu.Unlock()
	var out []*unstructured.Unstructured
	for _, o := range c.selected(sel) {
		out = append(out, o.public())
	}
	return out, nil
}

// DryRun implements cutover.Reader.
func (c *Cluster) DryRun(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	return c.send(ctx, w, cutover.Manager, true)
}

// Write implements cutover.Cluster.
func (c *Cluster) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	return c.send(ctx, w, cutover.Manager, false)
}

// WriteAs makes a change as another field manager: a GitOps tool, a person, a second operator.
func (c *Cluster) WriteAs(ctx context.Context, manager string, w cutover.Write) (*unstructured.Unstructured, error) {
	return c.send(ctx, w, manager, false)
}

func (c *Cluster) send(ctx context.Context, w cutover.Write, manager string, dry bool) (*unstructured.Unstructured, error) {
	if err := c.admission(ctx, w); err != nil {
		return nil, err
	}
	c.begin()
	defer c.fleet.mu.Unlock()
	o, err := c.change(w, manager, dry)
	if err != nil {
		return nil, err
	}
	if !dry {
		c.fleet.writes++
		c.fleet.guard.instant()
	}
	return o.public(), nil
}

// Edit changes an object directly, as an actor outside the cutover would: fn gets the stored object. It reports whether it was there.
func (c *Cluster) Edit(kind, namespace, name, manager string, fn func(object map[string]any)) bool {
	c.begin()
	defer c.fleet.mu.Unlock()
	o := c.find(kind, namespace, name)
	if o != nil {
		c.edit(o, manager, fn)
		c.fleet.guard.instant()
	}
	return o != nil
}

func (c *Cluster) edit(o *object, manager string, fn func(object map[string]any)) {
	before := deepCopy(o.data)
	fn(o.data)
	set, gone := changedLeaves(before, o.data)
	if len(set)+len(gone) == 0 {
		return
	}
	o.owners.forget(gone)
	o.owners.take(manager, opUpdate, set)
	if hasGeneration(o.kind()) && !sameJSON(before["spec"], o.data["spec"]) {
		o.u().SetGeneration(o.u().GetGeneration() + 1)
	}
	c.put(o)
	c.noted(manager, o, before, o.data)
	c.touched(o)
}

// Remove deletes an object as an actor outside the cutover would.
func (c *Cluster) Remove(kind, namespace, name string) bool {
	c.begin()
	defer c.fleet.mu.Unlock()
	o := c.find(kind, namespace, name)
	if o != nil {
		c.noted("", o, o.data, nil)
		c.remove(o)
		c.fleet.guard.instant()
	}
	return o != nil
}

// remove deletes an object and what it owns.
func (c *Cluster) remove(o *object) {
	c.drop(o)
	if w := c.sets[o.uid()]; w != nil {
		w.end()
	}
	c.nmi.bindingsChanged(c, o)
}

// touched lets the controllers see a change.
func (c *Cluster) touched(o *object) {
	switch o.kind() {
	case "ServiceAccount":
		c.webhook.see(c, o)
	case "HorizontalPodAutoscaler":
		c.scaleByHPA(o)
	case "AzureIdentityBinding", "AzureIdentity":
		c.nmi.bindingsChanged(c, o)
	case "Kustomization":
		c.kustomize(o)
	case kindBudget:
		c.countBudgets(o.ns())
	case kindQuota:
		c.countQuotas(o.ns())
	}
	if w := c.sets[o.uid()]; w != nil {
		w.changed()
	}
	if o.kind() == "Deployment" {
		c.borrowersChanged(o)
	}
	for _, see := range c.agents {
		see(o)
	}
}

// Dump returns every stored object that is not made by a controller, by Kind/namespace/name, without what changes by itself: what to
// compare before and after.
func (c *Cluster) Dump() map[string]map[string]any {
	c.begin()
	defer c.fleet.mu.Unlock()
	out := map[string]map[string]any{}
	for at, byName := range c.objects {
		switch at.kind {
		case "Pod", "ReplicaSet", "ControllerRevision", "AzureAssignedIdentity", "Node":
			continue
		}
		for name, o := range byName {
			data := deepCopy(o.data)
			delete(data, "status")
			for _, k := range [...]string{"resourceVersion", "generation", "uid", "creationTimestamp"} {
				delete(child(data, "metadata"), k)
			}
			unstructured.RemoveNestedField(data, "metadata", "annotations", "deployment.kubernetes.io/revision")
			out[at.kind+"/"+at.namespace+"/"+name] = data
		}
	}
	return out
}
