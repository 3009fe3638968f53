package e2e_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/objects"
	"github.com/wimigrate/wimigrate/internal/pause"
)

// surge is by how many pods the load scales out; breath is how long it stays there, clearly longer than the calm that the gates ask of new
// pods, and repose how long it is in again.
const (
	surge  = 2
	breath = 4 * time.Second
	repose = 2 * time.Second
)

// startLoad lets every cluster breathe until stop is called: all its applications scale out, a node joins, CronJobs run; then they scale
// in, and the node goes. stop returns when everything is back to where it was.
func startLoad(t *testing.T, residents []resident) (stop func() (breaths int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	byCluster := map[*fleet.Cluster][]resident{}
	for _, r := range residents {
		byCluster[r.cluster] = append(byCluster[r.cluster], r)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for c, of := range byCluster {
		wg.Go(func() {
			for ctx.Err() == nil {
				if err := breathe(context.WithoutCancel(ctx), c, of); err != nil {
					t.Errorf("load on %s: %v", c.Name, err)
					return
				}
				mu.Lock()
				total++
				mu.Unlock()
			}
		})
	}
	var once sync.Once
	stop = func() int {
		once.Do(func() { cancel(); wg.Wait() })
		return total
	}
	t.Cleanup(func() { stop() })
	return stop
}

// breathe is one breath. It waits for events, not for times: a scale-out is over when its pods have taken tokens.
func breathe(ctx context.Context, c *fleet.Cluster, residents []resident) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	began := time.Now().Add(-time.Second) // creation times are whole seconds
	c.NMI.SetDelay(time.Second)
	if err := c.AddNodes(ctx, 1); err != nil {
		return err
	}
	for _, r := range residents {
		if err := r.scale(ctx, r.Replicas+surge, began); err != nil {
			return err
		}
	}
	for _, r := range residents {
		want := surge
		if r.idle() {
			continue
		} else if r.Kind == "DaemonSet" || r.Kind == "CronJob" {
			want = 1
		}
		if err := r.awaitBorn(ctx, began, want); err != nil {
			return err
		}
	}
	_ = pause.For(ctx, breath)
	for _, r := range residents {
		if err := r.scale(ctx, r.Replicas, time.Time{}); err != nil {
			return err
		}
	}
	names := c.Nodes.Names()
	if err := c.Nodes.Remove(ctx, names[len(names)-1]); err != nil {
		return err
	}
	_ = pause.For(ctx, repose)
	return nil
}

// awaitBorn waits until so many pods that were created since then have taken a token.
func (r resident) awaitBorn(ctx context.Context, since time.Time, want int) error {
	return objects.Await(ctx, fmt.Sprintf("%d new pods of %s/%s to take tokens", want, r.cluster.Name, r.Name), func(context.Context) (bool, error) {
		born := 0
		for _, p := range r.cluster.Reports() {
			if p.Namespace == r.Namespace && p.Created.After(since) && p.Taken > 0 {
				born++
			}
		}
		return born >= want, nil
	})
}

// scale sets the replicas, through the autoscaler where there is one; a CronJob runs once.
func (r resident) scale(ctx context.Context, replicas int, out time.Time) error {
	switch {
	case r.idle() || r.Kind == "DaemonSet":
		return nil
	case r.Kind == "CronJob":
		return r.runNow(ctx)
	case r.MaxReplicas > 0:
		if err := r.cluster.SetMinReplicas(ctx, r.Namespace, r.Name, replicas); err != nil || !out.IsZero() {
			return err
		}
	}
	return r.cluster.Scale(ctx, r.Namespace, r.Kind, r.Name, replicas)
}

// fromLabel says on the pods of such a Job when its template was read, in milliseconds since 1970.
const fromLabel = "e2e.wimigrate.test/from"

// runNow makes a Job of a CronJob, as `kubectl create job --from` does.
func (r resident) runNow(ctx context.Context) error {
	read := time.Now()
	from, err := r.cluster.Client.BatchV1().CronJobs(r.Namespace).Get(ctx, r.Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	controller := true
	job := &batchv1.Job{Spec: from.Spec.JobTemplate.Spec, ObjectMeta: metav1.ObjectMeta{
		GenerateName: r.Name + "-now-", Namespace: r.Namespace, Labels: from.Spec.JobTemplate.Labels,
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "CronJob", Name: from.Name, UID: from.UID, Controller: &controller}}}}
	job.Spec.Template.Labels[fromLabel] = strconv.FormatInt(read.UnixMilli(), 10)
	_, err = r.cluster.Client.BatchV1().Jobs(r.Namespace).Create(ctx, job, metav1.CreateOptions{FieldManager: objects.Owner})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
