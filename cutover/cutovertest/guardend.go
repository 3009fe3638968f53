package cutovertest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/cutover"
)

// Finish compares the fleet with what it must be when a call of a runner has ended in a report, and returns every breach so far.
func (g *Guard) Finish(rep *cutover.Report) []Breach {
	f := g.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	f.catchUp()
	open := map[string]bool{} // units that are on their way
	want := map[objectID]map[string]any{}
	for id, o := range g.world {
		want[id] = deepCopy(o)
	}
	for _, u := range rep.Units {
		g.secret("the report of "+u.ID, fmt.Sprint(u))
		switch u.State {
		case cutover.Done:
			fulfil(want, g.plan.Unit(u.ID))
		case cutover.Planned, cutover.RolledBack:
		default:
			open[u.ID] = true
		}
	}
	g.compare(want, f.everything(), open)
	return slices.Clone(g.breaches)
}

// fulfil makes the changes that the plan lists of a unit.
func fulfil(world map[objectID]map[string]any, u *cutover.Unit) {
	for _, s := range u.Steps {
		for _, e := range s.Edits {
			id := objectID{u.Cluster, e.Ref.Kind, e.Ref.Namespace, e.Ref.Name}
			if e.Verb == cutover.Delete {
				delete(world, id)
				continue
			}
			for _, f := range e.Fields {
				switch {
				case world[id] == nil:
				case f.After == nil:
					removeLeaf(world[id], f.Path)
				default:
					child(world[id], f.Path[:len(f.Path)-1]...)[f.Path[len(f.Path)-1]] = f.After
				}
			}
		}
	}
}

// compare notes every difference but those that a unit on its way may have.
func (g *Guard) compare(want, got map[objectID]map[string]any, open map[string]bool) {
	ids := make([]objectID, 0, len(want))
	for id := range want {
		ids = append(ids, id)
	}
	for id := range got {
		if want[id] == nil {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b objectID) int { return strings.Compare(a.String(), b.String()) })
	for _, id := range ids {
		p := g.may[id]
		way := p != nil && open[p.unit]
		switch {
		case want[id] == nil:
			if !way {
				g.breach(Converges, "%s is there", id)
			}
			continue
		case got[id] == nil:
			if !way || !p.deleted {
				g.breach(Converges, "%s is gone", id)
			}
			continue
		}
		w, h := values(want[id]), values(got[id])
		for _, path := range slices.Sorted(keysOf(w, h)) {
			if w[path] == h[path] || way && p.paths[path] {
				continue
			}
			g.breach(Converges, "%s: %s is %s, want %s", id, strings.ReplaceAll(path, "\x00", "."), orAbsent(h[path]), orAbsent(w[path]))
		}
	}
}

func orAbsent(s string) string {
	if s == "" {
		return "absent"
	}
	return s
}

func keysOf(a, b map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range a {
			if !yield(k) {
				return
			}
		}
		for k := range b {
			if _, both := a[k]; !both && !yield(k) {
				return
			}
		}
	}
}

// values are the leaves of an object as JSON; maps that are empty count for nothing.
func values(o map[string]any) map[string]string {
	out := map[string]string{}
	for _, path := range leaves(o) {
		value, _ := leaf(o, path)
		if m, ok := value.(map[string]any); ok && len(m) == 0 {
			continue
		}
		if text, err := json.Marshal(value); err == nil {
			out[path] = string(text)
		}
	}
	return out
}

// everything is every object of the fleet that somebody other than a controller looks after. The caller holds the lock.
func (f *Fleet) everything() map[objectID]map[string]any {
	out := map[objectID]map[string]any{}
	for _, name := range f.names {
		for at, byName := range f.clusters[name].objects {
			for _, o := range byName {
				journal := (at.kind == "ConfigMap" || at.kind == "Lease") && strings.HasPrefix(o.name(), "wimigrate-")
				if controllersOwn(o) || journal {
					continue
				}
				data := deepCopy(o.data)
				delete(data, "status")
				delete(child(data, "metadata", "annotations"), "deployment.kubernetes.io/revision")
				out[objectID{name, at.kind, at.namespace, o.name()}] = data
			}
		}
	}
	return out
}

// controllersOwn reports whether a controller made the object and keeps it.
func controllersOwn(o *object) bool {
	switch o.kind() {
	case "Pod", "ReplicaSet", "ControllerRevision", "AzureAssignedIdentity", "Node":
		return true
	}
	owners, _ := child(o.data, "metadata")["ownerReferences"].([]any)
	return o.kind() == "Job" && len(owners) > 0
}
