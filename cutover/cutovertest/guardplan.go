package cutovertest

import (
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// permit is what the plan lists of one object.
type permit struct {
	unit    string
	paths   map[string]bool // joined by NUL
	git     map[string]any  // what comes by a commit, by path: the cutover's doing, by other hands
	deleted bool
}

// holdPaths are what holds a rollout at a canary.
var holdPaths = [...]string{"spec\x00minReadySeconds", "spec\x00progressDeadlineSeconds", "spec\x00strategy\x00rollingUpdate\x00maxSurge",
	"spec\x00strategy\x00rollingUpdate\x00maxUnavailable", "spec\x00updateStrategy\x00rollingUpdate\x00partition", "spec\x00updateStrategy\x00type"}

// inducePaths are what an induction raises, by kind; "" for the workloads.
var inducePaths = map[string]string{
	"HorizontalPodAutoscaler": "spec\x00minReplicas", "ScaledObject": "spec\x00minReplicaCount", "": "spec\x00replicas",
}

// permits reads a plan.
func permits(p *cutover.Plan) map[objectID]*permit {
	out := map[objectID]*permit{}
	for i := range p.Units {
		u := &p.Units[i]
		of := func(r cutover.Ref) *permit {
			id := objectID{u.Cluster, r.Kind, r.Namespace, r.Name}
			if out[id] == nil {
				out[id] = &permit{unit: u.ID, paths: map[string]bool{}, git: map[string]any{}}
			}
			return out[id]
		}
		for _, w := range u.Workloads {
			of(w.Ref)
		}
		for _, s := range u.Steps {
			for _, e := range s.Edits {
				of(e.Ref).add(e)
			}
		}
	}
	return out
}

func (p *permit) add(e cutover.Edit) {
	p.deleted = p.deleted || e.Verb == cutover.Delete
	for _, f := range e.Fields {
		path := strings.Join(f.Path, "\x00")
		p.paths[path] = true
		if e.Git {
			p.git[path] = f.After
		}
	}
	for _, crumb := range [...]string{cutover.CrumbAnnotation, cutover.UnbindAnnotation, cutover.FenceAnnotation, cutover.SuspendAnnotation} {
		p.paths["metadata\x00annotations\x00"+crumb] = true
	}
	takes := slices.ContainsFunc(e.Fields, func(f cutover.Field) bool { // so a retreat may be held
		return len(f.Path) > 0 && f.Path[len(f.Path)-1] == podidentity.Label
	})
	if e.Hold > 0 || e.Release != "" || takes {
		for _, path := range holdPaths {
			p.paths[path] = true
		}
	}
}

// allows reports whether a changed path is one of the plan, or a map on the way to one that became empty.
func (p *permit) allows(path string, value any) bool {
	if p.paths[path] {
		return true
	}
	m, isMap := value.(map[string]any)
	if value != nil && (!isMap || len(m) > 0) {
		return false
	}
	for known := range p.paths {
		if strings.HasPrefix(known, path+"\x00") {
			return true
		}
	}
	return false
}

// noted is told of every change of a stored object: before is nil for one that is new, after for one that is gone.
func (c *Cluster) noted(manager string, o *object, before, after map[string]any) {
	g := c.fleet.guard
	if g == nil || controllersOwn(o) {
		return
	}
	id := objectID{c.name, o.kind(), o.ns(), o.name()}
	if manager != cutover.Manager {
		g.foreign(id, before, after)
		return
	}
	if (id.kind == "ConfigMap" || id.kind == "Lease") && strings.HasPrefix(id.name, "wimigrate-") {
		return // the journal
	}
	g.own(id, o, before, after)
}

// own judges a change of the cutover's.
func (g *Guard) own(id objectID, o *object, before, after map[string]any) {
	p := g.may[id]
	if p != nil && g.frozen[p.unit] {
		g.breach(StaysFrozen, "%s was written to though its unit is frozen", id)
	}
	switch {
	case before == nil || after == nil:
		if p == nil || !p.deleted {
			g.breach(KeepsToPlan, "%s was created or deleted", id)
		}
		return
	case p == nil:
		p = &permit{}
	}
	set, gone := changedLeaves(before, after)
	for _, path := range append(set, gone...) {
		value, _ := leaf(after, path)
		if !p.allows(path, value) && !g.induces(id, path) {
			g.breach(KeepsToPlan, "%s: %s was changed", id, strings.ReplaceAll(path, "\x00", "."))
		}
	}
	g.rollsOnce(id, o, before, after)
}

// induces reports whether a field is one that an induction may raise.
func (g *Guard) induces(id objectID, path string) bool {
	if g.plan.Limits.InducePods <= 0 || !slices.ContainsFunc(g.plan.Units, func(u cutover.Unit) bool {
		return u.Cluster == id.cluster && u.Namespace == id.namespace
	}) {
		return false
	}
	want, ok := inducePaths[id.kind]
	if !ok {
		want = inducePaths[""]
	}
	return path == want || strings.HasPrefix("metadata\x00annotations\x00"+cutover.FenceAnnotation, path) ||
		path == "metadata\x00annotations\x00"+cutover.InduceAnnotation
}

// rollsOnce notes a template that was made before.
func (g *Guard) rollsOnce(id objectID, o *object, before, after map[string]any) {
	was, is := templateOf(o.kind(), before), templateOf(o.kind(), after)
	if is == nil || sameJSON(was, is) {
		return
	}
	hash := hashOf(is)
	if g.rolled[id][hash] {
		g.breach(RollsOnce, "%s was given the same template twice", id)
	}
	if g.rolled[id] == nil {
		g.rolled[id] = map[string]bool{}
	}
	g.rolled[id][hash] = true
}

func templateOf(kind string, o map[string]any) map[string]any {
	spec, _ := o["spec"].(map[string]any)
	if kind == "CronJob" {
		job, _ := spec["jobTemplate"].(map[string]any)
		spec, _ = job["spec"].(map[string]any)
	}
	t, _ := spec["template"].(map[string]any)
	return t
}

// foreign takes a change of somebody else's into the world without the cutover.
func (g *Guard) foreign(id objectID, before, after map[string]any) {
	switch {
	case after == nil:
		delete(g.world, id)
		return
	case before == nil || g.world[id] == nil:
		g.world[id] = deepCopy(after)
		return
	}
	set, gone := changedLeaves(before, after)
	for _, path := range set {
		value, _ := leaf(after, path)
		if g.asPlanned(id, path, value) {
			continue
		}
		keys := strings.Split(path, "\x00")
		child(g.world[id], keys[:len(keys)-1]...)[keys[len(keys)-1]] = value
	}
	for _, path := range gone {
		if g.asPlanned(id, path, nil) {
			continue
		}
		removeLeaf(g.world[id], strings.Split(path, "\x00"))
	}
	if !sameJSON(templateOf(id.kind, before), templateOf(id.kind, after)) {
		delete(g.rolled, id)
	}
}

// asPlanned reports whether a change is one that the plan expects from Git.
func (g *Guard) asPlanned(id objectID, path string, value any) bool {
	p := g.may[id]
	if p == nil {
		return false
	}
	want, ok := p.git[path]
	return ok && sameJSON(value, want)
}
