package e2e_test

import (
	"cmp"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// What the simulation's tests expect of a migration happens on a real control plane too: the same migrations, the same expectations.
func TestMigrationsOnARealControlPlane(t *testing.T) {
	inTurn(t, long)
	f := commonFleet(t)
	c := f.Clusters[0]
	all := cutovertest.Migrations()
	var residents []resident
	for _, m := range all {
		r := newResident(f, c, cmp.Or(m.App.Kind, "Deployment"), m.App.Name, cmp.Or(m.App.Replicas, 3), time.Second)
		r.OnDelete, r.Steps, r.Borrows, r.Hollow = m.App.OnDelete, m.App.Steps, m.App.Borrows != "", true
		if m.App.HPA {
			r.MaxReplicas = 20
		}
		r.deploy(t)
		residents = append(residents, r)
	}
	for _, r := range residents {
		awaitReady(t, r)
	}
	o := newOperator(t, f, namespacesOf(residents)...)
	plans := o.plansByNamespace(t, cutovertest.MigrationPlan())
	var some errgroup.Group
	some.SetLimit(8)
	for i, m := range all {
		some.Go(func() error {
			t.Run(m.Name, func(t *testing.T) {
				m.Run(t, cutovertest.World{Cluster: o.clusters[c.Name], Plan: plans[m.App.Namespace],
					Edit:       func(t *testing.T, r cutover.Ref, fn func(map[string]any)) { editAsSomebody(t, c, r, fn) },
					EditStatus: func(t *testing.T, r cutover.Ref, fn func(map[string]any)) { editRolloutStatus(t, c, r, fn) },
					RunOnce: func(t *testing.T, _ cutover.Ref) {
						if err := residents[i].runNow(t.Context()); err != nil {
							t.Error(err)
						}
						awaitJobs(t, residents[i])
					}})
			})
			return nil
		})
	}
	_ = some.Wait() //nolint:errcheck // nothing fails but tests
}

// awaitReady waits until all pods that the workload wants are ready.
func awaitReady(t *testing.T, r resident) {
	t.Helper()
	if r.Kind == "CronJob" {
		return
	}
	fleet.Await(t, r.Namespace+" to be ready", func() (bool, error) {
		pods, err := r.cluster.Client.CoreV1().Pods(r.Namespace).List(t.Context(), metav1.ListOptions{})
		ready := 0
		for _, p := range pods.Items {
			for _, c := range p.Status.Conditions {
				if c.Type == "Ready" && c.Status == "True" {
					ready++
				}
			}
		}
		return ready >= r.Replicas, err
	})
}

// awaitJobs waits until no Job of the namespace is under way.
func awaitJobs(t *testing.T, r resident) {
	t.Helper()
	fleet.Await(t, "the Jobs of "+r.Namespace, func() (bool, error) {
		jobs, err := r.cluster.Client.BatchV1().Jobs(r.Namespace).List(t.Context(), metav1.ListOptions{})
		for _, j := range jobs.Items {
			if j.Status.CompletionTime == nil {
				return false, err
			}
		}
		return true, err
	})
}
