package e2e_test

import (
	"cmp"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/retry"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// What the simulation's tests expect of a migration happens on a real control plane too: the same migrations, the same expectations.
func TestMigrationsOnARealControlPlane(t *testing.T) {
	t.Parallel()
	f := fleet.StartFleet(t, fleet.Spec{Rollouts: true})
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
	o := newOperator(t, f)
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
	t.Run("a cluster that was rebuilt is not the one of a plan", func(t *testing.T) { planOfRebuilt(t, f, plans[residents[0].Namespace]) })
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

// editRolloutStatus changes the status of an Argo Rollout, as its command line does, and returns when its controller has done something about
// it. That one loses sight of a change that comes while it is writing itself: it puts its own older copy into its cache, and sees the change
// with the next one.
func editRolloutStatus(t *testing.T, c *fleet.Cluster, r cutover.Ref, fn func(status map[string]any)) {
	t.Helper()
	kind, err := c.Objects.Kind(schema.FromAPIVersionAndKind(r.APIVersion, r.Kind), r.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	was := ""
	editAsSomebody(t, c, r, func(o map[string]any) {
		status := o["status"].(map[string]any)
		was, _ = status["phase"].(string)
		fn(status)
	}, "status")
	asked, last := 0, time.Now()
	fleet.Await(t, r.String()+" to leave phase "+was, func() (bool, error) {
		o, err := kind.Get(t.Context(), r.Name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		if phase, _, _ := unstructured.NestedString(o.Object, "status", "phase"); phase != was {
			return true, nil
		}
		if time.Since(last) > 2*time.Second {
			asked, last = asked+1, time.Now()
			editAsSomebody(t, c, r, func(o map[string]any) {
				_ = unstructured.SetNestedField(o, strconv.Itoa(asked), "metadata", "annotations", "e2e.wimigrate.test/asked") //nolint:errcheck // annotations are a map
			})
		}
		return false, nil
	})
}

// editAsSomebody changes an object, or a subresource of it, as a person with kubectl edit does.
func editAsSomebody(t *testing.T, c *fleet.Cluster, r cutover.Ref, fn func(map[string]any), subresource ...string) {
	t.Helper()
	kind, err := c.Objects.Kind(schema.FromAPIVersionAndKind(r.APIVersion, r.Kind), r.Namespace)
	if err != nil {
		t.Error(err)
		return
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		o, err := kind.Get(t.Context(), r.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		fn(o.Object)
		_, err = kind.Update(t.Context(), o, metav1.UpdateOptions{FieldManager: "somebody"}, subresource...)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
