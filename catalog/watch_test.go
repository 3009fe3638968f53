package catalog_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/wimigrate/wimigrate/catalog"
)

// watched is one run of Watch on client-go's fakes.
type watchRun struct {
	clients *catalog.WatchClients
	kube    *fake.Clientset
	dynamic *dynamicfake.FakeDynamicClient

	mu        sync.Mutex // guards what was reported
	snapshots []*catalog.Snapshot
	changes   [][]catalog.Change
}

// reports returns what was reported so far.
func (r *watchRun) reports() ([]*catalog.Snapshot, [][]catalog.Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.snapshots), slices.Clone(r.changes)
}

var bindings = schema.GroupVersionResource{Group: "aadpodidentity.k8s.io", Version: "v1", Resource: "azureidentitybindings"}

func newWatchRun(objects ...runtime.Object) *watchRun {
	r := &watchRun{kube: fake.NewClientset(objects...)}
	list := metav1.Verbs{"list", "watch"}
	r.kube.Resources = []*metav1.APIResourceList{
		{GroupVersion: "v1", APIResources: []metav1.APIResource{{Name: "pods", Kind: "Pod", Namespaced: true, Verbs: list}, {Name: "serviceaccounts", Kind: "ServiceAccount", Namespaced: true, Verbs: list}}},
		{GroupVersion: "apps/v1", APIResources: []metav1.APIResource{{Name: "deployments", Kind: "Deployment", Namespaced: true, Verbs: list}}},
		{GroupVersion: "aadpodidentity.k8s.io/v1", APIResources: []metav1.APIResource{{Name: "azureidentitybindings", Kind: "AzureIdentityBinding", Namespaced: true, Verbs: list}}},
	}
	scheme := metadatafake.NewTestScheme()
	_ = metav1.AddMetaToScheme(scheme) // cannot fail on a new scheme
	r.dynamic = dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), map[schema.GroupVersionResource]string{bindings: "AzureIdentityBindingList"})
	r.clients = &catalog.WatchClients{Kubernetes: r.kube, Dynamic: r.dynamic, Metadata: metadatafake.NewSimpleMetadataClient(scheme)}
	return r
}

// start runs Watch in the bubble; stop ends it and returns its error.
func (r *watchRun) start(t *testing.T) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- catalog.Watch(ctx, "one", r.clients, func(s *catalog.Snapshot, c []catalog.Change) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.snapshots, r.changes = append(r.snapshots, s), append(r.changes, c)
		}, nil)
	}()
	return func() error {
		cancel()
		return <-done
	}
}

// settle lets the informers and the settling time pass.
func settle() {
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

func labelledPod(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{"aadpodidbinding": "web"}}}
}

func TestWatchSeesWhatIsAddedDuringTheMigration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newWatchRun(labelledPod("web-1"), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "other"}})
		stop := r.start(t)
		settle()
		if snaps, _ := r.reports(); len(snaps) != 1 || len(snaps[0].Workloads) != 1 || !snaps[0].Cluster.Coverage.Complete {
			t.Fatalf("first report: %+v", snaps)
		}

		binding := custom(t, "{apiVersion: aadpodidentity.k8s.io/v1, kind: AzureIdentityBinding, metadata: {name: late, namespace: shop}, spec: {azureIdentity: web, selector: web}}")
		if _, err := r.dynamic.Resource(bindings).Namespace("shop").Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		heartbeat := labelledPod("web-1")
		heartbeat.Status.Message = "nothing that is kept"
		if _, err := r.kube.CoreV1().Pods("shop").Update(t.Context(), heartbeat, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		settle()
		want := [][]catalog.Change{nil, {{Action: catalog.Added, Kind: "AzureIdentityBinding", Namespace: "shop", Name: "late"}}}
		_, changes := r.reports()
		if diff := cmp.Diff(want, changes); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}

		if err := r.kube.CoreV1().Pods("shop").Delete(t.Context(), "web-1", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		settle()
		snaps, changes := r.reports()
		last := snaps[len(snaps)-1]
		if len(last.Workloads) != 0 || len(last.Bindings) != 1 || changes[len(changes)-1][0].Action != catalog.Removed {
			t.Errorf("after the pod went: %+v, %+v", last, changes)
		}

		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Watch ended with %v", err)
		}
		if _, err := r.kube.CoreV1().Pods("shop").Create(t.Context(), labelledPod("web-2"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		settle()
		if after, _ := r.reports(); len(after) != len(snaps) {
			t.Error("Watch reported after it returned")
		}
	}) // synctest fails the test if a goroutine is left
}

func TestWatchSaysWhatItMayNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newWatchRun(labelledPod("web-1"))
		var allowed atomic.Bool
		r.kube.PrependReactor("list", "deployments", func(clienttesting.Action) (bool, runtime.Object, error) {
			return !allowed.Load(), nil, apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "deployments"}, "", errors.New("no"))
		})
		stop := r.start(t)
		settle()
		want := []catalog.Gap{{Resource: "deployments.apps", Reason: "forbidden: grant list on deployments.apps in all namespaces"}}
		if snaps, _ := r.reports(); len(snaps) != 1 || !cmp.Equal(want, snaps[0].Cluster.Coverage.Gaps) || len(snaps[0].Workloads) != 1 {
			t.Fatalf("first report: %+v", snaps)
		}
		allowed.Store(true)
		time.Sleep(2 * time.Minute)
		settle()
		snaps, _ := r.reports()
		if last := snaps[len(snaps)-1]; !last.Cluster.Coverage.Complete {
			t.Errorf("the gap stayed: %+v", last.Cluster.Coverage)
		}
		_ = stop() // ends with the context's error, as above
	})
}

func TestWatchListsAgainWhenItsWatchExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newWatchRun(labelledPod("web-1"))
		var mu sync.Mutex
		var watchers []*apiwatch.RaceFreeFakeWatcher
		r.kube.PrependWatchReactor("pods", func(clienttesting.Action) (bool, apiwatch.Interface, error) {
			mu.Lock()
			defer mu.Unlock()
			w := apiwatch.NewRaceFreeFake()
			watchers = append(watchers, w)
			return true, w, nil
		})
		stop := r.start(t)
		settle()
		if _, err := r.kube.CoreV1().Pods("shop").Create(t.Context(), labelledPod("web-2"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		first := slices.Clone(watchers)
		mu.Unlock()
		for _, w := range first { // the fake watchers told nothing of it; now they expire
			w.Error(&metav1.Status{Status: metav1.StatusFailure, Code: 410, Reason: metav1.StatusReasonExpired})
		}
		time.Sleep(time.Minute)
		settle()
		snaps, _ := r.reports()
		last := snaps[len(snaps)-1]
		if len(last.Workloads) != 2 || !last.Cluster.Coverage.Complete {
			t.Errorf("after the relist: %+v", last)
		}
		_ = stop() // ends with the context's error, as above
	})
}
