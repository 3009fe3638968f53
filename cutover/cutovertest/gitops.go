package cutovertest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/cutover"
)

// reconcileAfter is how soon a Kustomization is reconciled once it has changed.
const reconcileAfter = 5 * time.Second

// Repository plays Git and the Flux Kustomization that applies it to a cluster: until its suspension, and again after it, every field that
// Git has is put back at Git's value, and what Git no longer has is removed. What others have added stays.
type Repository struct {
	c *Cluster
	// base is what Git had of each object at first, by leaf; files are the patches that were merged since, by path; open are those that
	// were published and are not merged.
	base        map[objectID]map[string]any
	files, open map[string]cutover.Publication
	applied     map[objectID]map[string]any
	mergeAfter  time.Duration
	namespace   string
	name        string
	broken      bool
}

// Repository makes a Kustomization that deploys the objects from Git, as they are now. What is published is merged after a while; with a
// negative mergeAfter it waits for [Repository.Merge].
func (c *Cluster) Repository(namespace, name string, mergeAfter time.Duration, objects ...cutover.Ref) *Repository {
	c.begin()
	defer c.fleet.mu.Unlock()
	r := &Repository{c: c, base: map[objectID]map[string]any{}, files: map[string]cutover.Publication{}, open: map[string]cutover.Publication{},
		applied: map[objectID]map[string]any{}, mergeAfter: mergeAfter, namespace: namespace, name: name}
	for _, ref := range objects {
		if o := c.find(ref.Kind, ref.Namespace, ref.Name); o != nil {
			id := objectID{c.name, ref.Kind, ref.Namespace, ref.Name}
			r.base[id] = map[string]any{}
			for _, path := range leaves(o.data) {
				if path != "spec\x00replicas" && !strings.HasPrefix(path, "metadata\x00annotations\x00") {
					r.base[id][path], _ = leaf(o.data, path)
				}
			}
			r.applied[id] = r.base[id]
		}
	}
	c.repositories = append(c.repositories, r)
	c.ensure("Kustomization", namespace, name, map[string]any{
		"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
		"metadata": map[string]any{"name": name, "namespace": namespace}, "spec": map[string]any{"interval": "10m"},
	})
	c.kustomize(c.find("Kustomization", namespace, name))
	var again func()
	again = func() {
		if o := c.find("Kustomization", namespace, name); o != nil {
			c.reconcile(o)
		}
		c.fleet.after(10*time.Minute, again)
	}
	c.fleet.after(10*time.Minute, again)
	return r
}

// Publish is what to give a runner as Options.Publish: a file for each path, in a pull request.
func (r *Repository) Publish(_ context.Context, p cutover.Publication) error {
	r.c.begin()
	defer r.c.fleet.mu.Unlock()
	r.open[p.Path] = p
	if r.mergeAfter >= 0 {
		r.c.fleet.after(r.mergeAfter, r.merge)
	}
	return nil
}

// Merge merges what was published, and has the tool see it.
func (r *Repository) Merge() {
	r.c.begin()
	defer r.c.fleet.mu.Unlock()
	r.merge()
	r.c.fleet.guard.instant()
}

// Break lets the tool fail from now on, as a repository that cannot be built does: it applies nothing, and tells of no generation.
func (r *Repository) Break() {
	r.c.begin()
	defer r.c.fleet.mu.Unlock()
	r.broken = true
}

func (r *Repository) merge() {
	maps.Copy(r.files, r.open)
	clear(r.open)
	if o := r.c.find("Kustomization", r.namespace, r.name); o != nil {
		r.c.kustomize(o)
	}
}

// desired is what Git has of an object by now: its text at first, and every patch over it.
func (r *Repository) desired(id objectID) map[string]any {
	out := maps.Clone(r.base[id])
	for _, path := range slices.Sorted(maps.Keys(r.files)) {
		p := r.files[path]
		var patch map[string]any
		if p.Object.Kind != id.kind || p.Object.Namespace != id.namespace || p.Object.Name != id.name || yaml.Unmarshal([]byte(p.StrategicMerge), &patch) != nil {
			continue
		}
		for _, at := range leaves(patch) {
			if value, _ := leaf(patch, at); value != nil {
				out[at] = value
			} else {
				delete(out, at)
			}
		}
	}
	for _, kind := range [...]string{"apiVersion", "kind"} {
		delete(out, kind)
	}
	return out
}

// kustomize has a Kustomization reconciled soon.
func (c *Cluster) kustomize(o *object) {
	c.fleet.after(reconcileAfter, func() {
		if c.find("Kustomization", o.ns(), o.name()) == o {
			c.reconcile(o)
		}
	})
}

// reconcile applies what Git has, unless the Kustomization is suspended.
func (c *Cluster) reconcile(o *object) {
	if child(o.data, "spec")["suspend"] == true {
		return
	}
	for _, r := range c.repositories {
		if r.namespace != o.ns() || r.name != o.name() {
			continue
		}
		if r.broken {
			return
		}
		for _, id := range slices.SortedFunc(maps.Keys(r.base), func(a, b objectID) int { return strings.Compare(a.String(), b.String()) }) {
			r.apply(id)
		}
	}
	if generation := o.u().GetGeneration(); child(o.data, "status")["observedGeneration"] != generation {
		o.data["status"] = map[string]any{"observedGeneration": generation}
		c.put(o)
	}
}

func (r *Repository) apply(id objectID) {
	o := r.c.find(id.kind, id.namespace, id.name)
	if o == nil {
		return
	}
	want, had := r.desired(id), r.applied[id]
	r.applied[id] = want
	r.c.edit(o, "kustomize-controller", func(data map[string]any) {
		for path, value := range want {
			keys := strings.Split(path, "\x00")
			if have, _ := leaf(data, path); !sameJSON(have, value) {
				child(data, keys[:len(keys)-1]...)[keys[len(keys)-1]] = value
			}
		}
		for path := range had {
			if _, still := want[path]; !still {
				removeLeaf(data, strings.Split(path, "\x00"))
			}
		}
	})
}
