package e2e_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/e2e/sidecar"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
	"github.com/wimigrate/wimigrate/internal/pause"
)

// An application that only knows IMDS moves behind the migration sidecar; one that cannot be restarted twice moves in a single rollout.
// Both scale out and in meanwhile, and neither loses a token.
func TestDeclaredStrategiesMoveTheirUnitsWithoutOneFailedToken(t *testing.T) {
	inTurn(t, long)
	f := commonFleet(t)
	c := f.Clusters[0]
	legacy, once := newResident(f, c, "Deployment", "legacy", 3, 200*time.Millisecond), newResident(f, c, "Deployment", "once", 4, 200*time.Millisecond)
	legacy.Credential = workload.ManagedIdentity
	residents := []resident{legacy, once}
	if err := c.AwaitNMI(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range residents {
		r.deploy(t)
	}
	awaitResidents(t, residents)
	o := newOperator(t, f, namespacesOf(residents)...)
	p := o.plan(t, cutover.PlanOptions{
		Soak: 4 * time.Second, Limits: cutover.Limits{PerCluster: -1, PerRegion: -1, Fleet: -1, Bake: -1},
		Attest: func(u cutover.Unit, _ cutover.Workload) cutover.Attestation {
			if u.Namespace == once.Namespace {
				return cutover.AttestDeclared
			}
			return cutover.AttestUnknown
		},
		Strategy: func(u cutover.Unit) cutover.Strategy {
			return cutover.Strategy{SingleRollout: u.Namespace == once.Namespace, Sidecar: u.Namespace == legacy.Namespace}
		},
	})
	stop := breatheStill(t, residents)
	clock := &switchClock{at: map[string]time.Time{}}
	move(t, o.runner(t, cutovertest.NewJournal(), o.gates(), clock.told(t)), p)
	stop()
	for _, r := range reportsOf(f, residents) {
		if r.Failed > 0 || r.Wrong > 0 || r.Broken != "" {
			t.Errorf("%s/%s: %d tokens failed, %d were of another identity: %s%s", r.Namespace, r.Pod, r.Failed, r.Wrong, r.LastError, r.Broken)
		}
	}
	noBindings(t, residents)
	wantReplicaSets(t, c, legacy, 3) // on the old path, on both, on the new one
	wantReplicaSets(t, c, once, 2)
	wantProxied(t, c, legacy, f.Reports())
	left, err := cutover.FindLeftovers(t.Context(), o.clusters[c.Name], c.Name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(left.Sidecars) != 1 || left.Sidecars[0].Namespace != legacy.Namespace {
		t.Errorf("the leftovers list the sidecars of %v", left.Sidecars)
	}
}

// breatheStill lets applications scale out and in until stop is called. No node comes: an application without patience would lose
// tokens there before it is moved, and that is another story.
func breatheStill(t *testing.T, residents []resident) (stop func()) {
	t.Helper()
	const more = surge + 2 // where a scale-in has left two pods on each of two nodes, a scale-out of three comes to lie on the third alone
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, r := range residents {
		wg.Go(func() {
			for ctx.Err() == nil {
				began := time.Now().Add(-time.Second) // creation times are whole seconds
				each, done := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
				err := r.scale(each, r.Replicas+more, began)
				if err == nil {
					err = r.awaitBorn(each, began, more)
				}
				_ = pause.For(each, breath)
				if err == nil {
					err = r.scale(each, r.Replicas, time.Time{})
				}
				_ = pause.For(each, repose)
				done()
				if err != nil {
					t.Errorf("load on %s: %v", r.Name, err)
					return
				}
			}
		})
	}
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return stop
}

func wantReplicaSets(t *testing.T, c *fleet.Cluster, r resident, want int) {
	t.Helper()
	sets, err := c.Client.AppsV1().ReplicaSets(r.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(sets.Items) != want {
		t.Errorf("%s has had %d pod templates, want %d", r.Name, len(sets.Items), want)
	}
}

// wantProxied says that every pod of the application that lives has the proxy, and has taken its tokens there: it still asks the metadata
// service's address, and NMI, which alone could have answered, has no binding left to answer by.
func wantProxied(t *testing.T, c *fleet.Cluster, r resident, reports []kubelet.PodReport) {
	t.Helper()
	pods, err := c.Client.CoreV1().Pods(r.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	seen, tokens := 0, 0
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.DeletionTimestamp != nil {
			continue
		}
		names := map[string]bool{}
		for _, x := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			names[x.Name] = true
		}
		if !names[sidecar.Name] || !names[sidecar.InitName] {
			t.Errorf("%s carries %v, and not the sidecar", pod.Name, names)
		}
		for _, said := range reports {
			if said.Namespace == r.Namespace && said.Pod == pod.Name && said.Taken > 0 {
				seen++
				tokens += said.Taken
				if said.Paths[workload.PathMetadata] != said.Taken {
					t.Errorf("%s took tokens by %v", pod.Name, said.Paths)
				}
			}
		}
	}
	t.Logf("%d pods behind the sidecar took %d tokens", seen, tokens)
	if seen == 0 {
		t.Error("no pod behind the sidecar took a token")
	}
}
