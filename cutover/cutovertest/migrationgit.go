package cutovertest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// gitTool is a GitOps tool as another field manager: at each sync it brings what Git has of the objects about, and nothing else.
type gitTool struct {
	w World
	// open are the patches in pull requests, merged those in Git, by path: a file each.
	open, merged map[string]cutover.Publication
}

func (g *gitTool) publish(_ context.Context, p cutover.Publication) error {
	g.open[p.Path] = p
	return nil
}

// merge merges what is open, and syncs.
func (g *gitTool) merge(t *testing.T) {
	t.Helper()
	maps.Copy(g.merged, g.open)
	clear(g.open)
	g.sync(t)
}

// sync puts the old label back, as the manifest has had it from the beginning, and lays the merged patches over it.
func (g *gitTool) sync(t *testing.T) {
	t.Helper()
	w := g.w.Plan.Units[0].Workloads[0]
	g.w.Edit(t, w.Ref, func(o map[string]any) {
		if !slices.ContainsFunc(slices.Collect(maps.Values(g.merged)), func(p cutover.Publication) bool { return p.Object.Same(w.Ref) }) {
			child(o, append(slices.Clone(w.Template), "metadata", "labels")...)[podidentity.Label] = w.Selector
		}
	})
	for _, path := range slices.Sorted(maps.Keys(g.merged)) {
		var patch map[string]any
		if err := yaml.Unmarshal([]byte(g.merged[path].StrategicMerge), &patch); err != nil {
			t.Fatal(err)
		}
		g.w.Edit(t, g.merged[path].Object, func(o map[string]any) { layOver(o, patch) })
	}
}

// layOver merges a patch into an object; a null removes.
func layOver(o, patch map[string]any) {
	for _, path := range leaves(patch) {
		keys := strings.Split(path, "\x00")
		if value, _ := leaf(patch, path); value != nil {
			child(o, keys[:len(keys)-1]...)[keys[len(keys)-1]] = value
		} else {
			removeLeaf(o, keys)
		}
	}
}

// byGit moves a unit whose changes come by commits, syncs before each is merged, and takes it back by commits.
func byGit(t *testing.T, w World) {
	before := w.spec(t)
	git := &gitTool{w: w, open: map[string]cutover.Publication{}, merged: map[string]cutover.Publication{}}
	gates := PassGates()
	gates.Load = func(context.Context, cutover.Target) cutover.Verdict {
		git.sync(t) //nolint:contextcheck // a test works under its own context; under both paths the tool finds nothing to put back
		return cutover.Verdict{Gate: "scripted", Result: cutover.Pass}
	}
	r := w.runnerOn(t, NewJournal(), gates, &cutover.Options{Publish: git.publish})
	commits := 1 // the removal of the old label
	if w.Plan.Units[0].Mode == cutover.GitOnly {
		commits = 3
	}
	for range commits {
		git.sync(t)
		w.run(t, r, cutover.Held, "waiting for this change to arrive from Git")
		git.merge(t)
	}
	w.run(t, r, cutover.Done, "")
	git.merge(t)
	w.expectMoved(t, before)
	rep, err := r.Rollback(t.Context(), w.Plan)
	if err != nil || rep.Units[0].State != cutover.RolledBack || len(rep.Units[0].Left) == 0 {
		t.Fatalf("rolled back to %+v: %v", rep.Units, err)
	}
	git.merge(t)
	w.expectBack(t, before)
}
