package cutovertest

import (
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/cutover"
)

// Migration is one small migration, and what must come of it in any world: the simulation and a real control plane alike.
type Migration struct {
	// Name says what happens, as a sentence.
	Name string
	// App is what is moved: the only application of its namespace, which no other Migration uses. If it borrows its template, the Deployment
	// that has it, at zero, is part of it.
	App App
	// Run moves it, and fails the test where the world or the engine does not do what it should.
	Run func(t *testing.T, w World)
}

// World is where a Migration happens. Its application has been deployed, and its pods run.
type World struct {
	Cluster cutover.Cluster
	// Plan is for the application alone, made with the options of [MigrationPlan].
	Plan *cutover.Plan
	// Edit changes an object as somebody else would; fn gets the stored object.
	Edit func(t *testing.T, ref cutover.Ref, fn func(object map[string]any))
	// EditStatus changes the status of an object, as the command line of Argo Rollouts does.
	EditStatus func(t *testing.T, ref cutover.Ref, fn func(status map[string]any))
	// RunOnce lets a CronJob run, and returns when its Job has ended.
	RunOnce func(t *testing.T, cronJob cutover.Ref)
}

// MigrationPlan are the options of a Migration's plan; Snapshots are to be added.
func MigrationPlan() cutover.PlanOptions {
	return cutover.PlanOptions{Soak: -1, Limits: cutover.Limits{InducePods: 10}, Mode: migrationMode}
}

// migrationMode is the mode of the Migrations whose namespace says so.
func migrationMode(u cutover.Unit) cutover.Mode {
	for suffix, mode := range map[string]cutover.Mode{"-gitops": cutover.GitOps, "-gitonly": cutover.GitOnly} {
		if strings.HasSuffix(u.Namespace, suffix) {
			return mode
		}
	}
	return cutover.Direct
}

// Migrations are whole moves of every kind: there and back, held at a canary, evicted one by one, fought over, and under induced load.
// Gates say what the Migration wants; that they judge rightly is for other tests.
func Migrations() []Migration {
	return []Migration{
		{"a Deployment moves, and comes back", App{Namespace: "conform-deployment", Name: "conform-deployment", Replicas: 4}, thereAndBack},
		{"a StatefulSet moves, and comes back", App{Namespace: "conform-statefulset", Name: "conform-statefulset", Kind: "StatefulSet"}, thereAndBack},
		{"a DaemonSet moves, and comes back", App{Namespace: "conform-daemonset", Name: "conform-daemonset", Kind: "DaemonSet"}, thereAndBack},
		{"an Argo Rollout moves by its own steps, and comes back", App{Namespace: "conform-rollout", Name: "conform-rollout", Kind: "Rollout", Replicas: 4, Steps: canarySteps(map[string]any{"duration": int64(2)})}, byItsSteps},
		{"an Argo Rollout that borrows its template moves with the Deployment that has it, and comes back", App{Namespace: "conform-borrowed", Name: "conform-borrowed", Kind: "Rollout", Borrows: "conform-borrowed", Replicas: 4, Steps: canarySteps(map[string]any{"duration": int64(2)})}, byItsSteps},
		{"an Argo Rollout waits at a step for somebody to promote it", App{Namespace: "conform-promoted", Name: "conform-promoted", Kind: "Rollout", Replicas: 2, Steps: canarySteps(map[string]any{})}, promoted},
		{"an Argo Rollout that somebody aborts fails, and is put back", App{Namespace: "conform-aborted", Name: "conform-aborted", Kind: "Rollout", Replicas: 2, Steps: canarySteps(map[string]any{})}, aborted},
		{"a CronJob waits for a run after each change", App{Namespace: "conform-cronjob", Name: "conform-cronjob", Kind: "CronJob", Schedule: "0 0 1 1 *"}, runByRun},
		{"a Deployment is held at its canary, and put back when that fails", App{Namespace: "conform-canary", Name: "conform-canary", Replicas: 4}, failedCanary},
		{"a StatefulSet is held at its canary, and put back when that fails",
			App{Namespace: "conform-partition", Name: "conform-partition", Kind: "StatefulSet", Replicas: 4}, failedCanary},
		{"OnDelete waits for permission, then for a budget, and is evicted pod by pod",
			App{Namespace: "conform-eviction", Name: "conform-eviction", Kind: "StatefulSet", Replicas: 2, OnDelete: true}, evicted},
		{"a DaemonSet is held at its canary, and put back when that fails", App{Namespace: "conform-nodes", Name: "conform-nodes", Kind: "DaemonSet"}, failedCanary},
		{"a StatefulSet with OnDelete is judged when its first pods are evicted, and put back when that fails",
			App{Namespace: "conform-firstgone", Name: "conform-firstgone", Kind: "StatefulSet", Replicas: 4, OnDelete: true}, failedEvictions},
		{"a DaemonSet with OnDelete is judged when its first pods are evicted, and put back when that fails",
			App{Namespace: "conform-firstnodes", Name: "conform-firstnodes", Kind: "DaemonSet", OnDelete: true}, failedEvictions},
		{"a fight over the old label freezes the unit", App{Namespace: "conform-fight", Name: "conform-fight"}, fought},
		{"what is published arrives from Git, and the tool puts back what Git does not have", App{Namespace: "conform-gitops", Name: "conform-gitops"}, byGit},
		{"everything arrives from Git", App{Namespace: "conform-gitonly", Name: "conform-gitonly"}, byGit},
		{"load is induced through the autoscaler, and taken back", App{Namespace: "conform-load", Name: "conform-load", HPA: true}, induced},
	}
}

// thereAndBack moves a unit, and rolls it back after it was done.
func thereAndBack(t *testing.T, w World) {
	before := w.spec(t)
	r := w.runner(t, PassGates())
	w.run(t, r, cutover.Done, "")
	w.expectMoved(t, before)
	templates := w.templates(t)
	w.rollback(t, r)
	w.expectBack(t, before)
	if now := w.templates(t); now != templates {
		t.Errorf("%d templates have run on the way there, and %d in the end: the way back must use the old ones", templates, now)
	}
}

// runByRun moves a CronJob, whose templates only a run can prove.
func runByRun(t *testing.T, w World) {
	before := w.spec(t)
	r := w.runner(t, PassGates())
	for range 2 {
		w.run(t, r, cutover.Held, "no Job was made from the new template yet")
		w.RunOnce(t, w.workload())
	}
	w.run(t, r, cutover.Done, "")
	w.expectMoved(t, before)
	w.rollback(t, r)
	w.expectBack(t, before)
}
