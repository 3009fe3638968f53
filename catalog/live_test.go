package catalog_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/catalog"
)

func custom(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

// populate fills a cluster in which one in five pods is labelled.
func populate(t *testing.T, s *apiServer, pods int) {
	t.Helper()
	s.define("aadpodidentity.k8s.io/v1", "AzureIdentity")
	s.define("aadpodidentity.k8s.io/v1", "AzureIdentityBinding")
	s.add("aadpodidentity.k8s.io/v1", "AzureIdentity", custom(t, `
apiVersion: aadpodidentity.k8s.io/v1
kind: AzureIdentity
metadata: {name: web, namespace: shop}
spec: {type: 0, resourceID: /subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/web, clientID: c}
`))
	s.add("aadpodidentity.k8s.io/v1", "AzureIdentityBinding", custom(t, `
apiVersion: aadpodidentity.k8s.io/v1
kind: AzureIdentityBinding
metadata: {name: web, namespace: shop}
spec: {azureIdentity: web, selector: web}
`))
	yes := true
	owner := func(apiVersion, kind, name string) []metav1.OwnerReference {
		return []metav1.OwnerReference{{APIVersion: apiVersion, Kind: kind, Name: name, UID: "u-" + "x", Controller: &yes}}
	}
	s.add("v1", "Namespace", &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "the-cluster"}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}}})
	s.add("v1", "ServiceAccount", &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"}})
	s.add("v1", "Node", &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1", Labels: map[string]string{"kubernetes.io/os": "windows"}}})
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"aadpodidbinding": "web"}},
		Spec:       corev1.PodSpec{ServiceAccountName: "web", Containers: []corev1.Container{{Name: "app"}}},
	}
	s.add("apps/v1", "Deployment", &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"}, Spec: appsv1.DeploymentSpec{Template: template}},
		&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "other", Namespace: "shop"}})
	s.add("apps/v1", "ReplicaSet", &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: "web-1", Namespace: "shop", OwnerReferences: owner("apps/v1", "Deployment", "web")}})
	s.add("apps/v1", "DaemonSet", &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: "nmi", Namespace: "kube-system"}, Spec: appsv1.DaemonSetSpec{
		Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "nmi", Image: "mcr.microsoft.com/oss/azure/aad-pod-identity/nmi:v1.8.17", Args: []string{"--operation-mode=managed", "--forceNamespaced=true"}}}}},
	}})
	s.add("batch/v1", "CronJob", &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Name: "nightly", Namespace: "shop"},
		Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template}}}})
	for i := range pods {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("web-1-%d", i), Namespace: "shop", OwnerReferences: owner("apps/v1", "ReplicaSet", "web-1")},
			Spec: template.Spec, Status: corev1.PodStatus{Phase: corev1.PodRunning}}
		if i%5 == 0 {
			p.Labels = template.Labels
		}
		s.add("v1", "Pod", p)
	}
}

func TestLiveReadsWhatBearsOnIdentities(t *testing.T) {
	s := newAPIServer(t)
	populate(t, s, 10)
	snap, err := catalog.Live("one", s.config(), &catalog.LiveOptions{Cluster: catalog.Cluster{Region: "eastus"}}).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Cluster{Name: "one", Region: "eastus", Issuer: s.issuer, UID: "the-cluster", Coverage: catalog.Coverage{Complete: true}}
	if diff := cmp.Diff(want, snap.Cluster); diff != "" {
		t.Errorf("cluster (-want +got):\n%s", diff)
	}
	var workloads []string
	for _, w := range snap.Workloads {
		workloads = append(workloads, w.Kind+"/"+w.Name)
	}
	if diff := cmp.Diff([]string{"CronJob/nightly", "Deployment/web", "Pod/web-1-0", "Pod/web-1-5", "ReplicaSet/web-1"}, workloads); diff != "" {
		t.Errorf("workloads (-want +got):\n%s", diff)
	}
	if len(snap.Identities) != 1 || len(snap.Bindings) != 1 || len(snap.ServiceAccounts) != 1 || len(snap.Nodes) != 1 || !snap.Nodes[0].Windows {
		t.Errorf("identities %v, bindings %v, service accounts %v, nodes %v", snap.Identities, snap.Bindings, snap.ServiceAccounts, snap.Nodes)
	}
	if len(snap.Components) != 1 || !snap.Components[0].Managed || !snap.Components[0].ForceNamespaced {
		t.Errorf("components %+v", snap.Components)
	}
	if snap.Namespaces[1].PodSecurity != "restricted" {
		t.Errorf("namespaces %+v", snap.Namespaces)
	}
}

func TestRequestsDoNotGrowWithPods(t *testing.T) {
	var counts []int
	for _, pods := range []int{5, 500} {
		s := newAPIServer(t)
		populate(t, s, pods)
		if _, err := catalog.Live("one", s.config(), nil).Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		counts = append(counts, s.count())
	}
	if counts[0] != counts[1] || counts[1] > 25 {
		t.Errorf("requests for 5 and for 500 pods: %v", counts)
	}
}

func TestLiveReadsPages(t *testing.T) {
	s := newAPIServer(t)
	populate(t, s, 50)
	expired := false
	s.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("continue") == "xxxx" && !expired { // the third page, once
			expired = true
			w.WriteHeader(http.StatusGone)
			writeJSON(w, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: http.StatusGone, Reason: metav1.StatusReasonExpired})
			return true
		}
		return false
	}
	snap, err := catalog.Live("one", s.config(), &catalog.LiveOptions{PageSize: 2, Concurrency: -1}).Read(t.Context())
	if err != nil || !snap.Cluster.Coverage.Complete || !expired {
		t.Fatalf("coverage %+v, expired %v, error %v", snap.Cluster.Coverage, expired, err)
	}
	pods := map[string]int{}
	for _, w := range snap.Workloads {
		if w.Kind == "Pod" {
			pods[w.Name]++
		}
	}
	if len(pods) != 10 {
		t.Errorf("%d pods after a list that was begun twice, want 10", len(pods))
	}
}

func TestWhatAnAPIServerFailsToGiveIsAGap(t *testing.T) {
	t.Parallel()
	status := func(code int, reason metav1.StatusReason) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			writeJSON(w, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: int32(code), Reason: reason, Message: "no"})
		}
	}
	for name, tt := range map[string]struct {
		answer func(http.ResponseWriter)
		want   string
	}{
		"forbidden names the grant":           {status(403, metav1.StatusReasonForbidden), "forbidden: grant list on deployments.apps in all namespaces"},
		"a server error stays after retries":  {status(500, metav1.StatusReasonInternalError), "HTTP 500 InternalError: no"},
		"a truncated body is not a short one": {func(w http.ResponseWriter) { _, _ = w.Write([]byte("k8s\x00\x12\x40\x12\x20abc")) }, "the response is truncated"},
		"a body of something else":            {func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) }, `not a Kubernetes object: it does not begin with {`},
		"a single object is no list":          {func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1"}`)) }, "the response is no list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newAPIServer(t)
			populate(t, s, 5)
			s.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == "/apis/apps/v1/deployments" {
					tt.answer(w)
					return true
				}
				return false
			}
			snap, err := catalog.Live("one", s.config(), nil).Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := catalog.Coverage{Gaps: []catalog.Gap{{Resource: "deployments.apps", Reason: tt.want}}}
			if diff := cmp.Diff(want, snap.Cluster.Coverage); diff != "" {
				t.Errorf("coverage (-want +got):\n%s", diff)
			}
			if len(snap.Bindings) != 1 {
				t.Errorf("the rest did not go on: %+v", snap.Bindings)
			}
		})
	}
}

func TestAPassingErrorLeavesNoGap(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	populate(t, s, 5)
	failures := 0
	s.fault = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/apis/apps/v1/deployments" || failures == 2 {
			return false
		}
		failures++
		if failures == 1 {
			http.Error(w, "busy", http.StatusServiceUnavailable)
		} else {
			_, _ = w.Write([]byte("k8s\x00\x12\x40")) // cut short
		}
		return true
	}
	snap, err := catalog.Live("one", s.config(), nil).Read(t.Context())
	if err != nil || !snap.Cluster.Coverage.Complete || failures != 2 {
		t.Errorf("coverage %+v after %d failures, error %v", snap.Cluster.Coverage, failures, err)
	}
}

// A cluster whose discovery fails is not read at all, so it is worth asking again.
func TestAPassingErrorOfDiscoveryLeavesNoGap(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/api", "/apis"} {
		t.Run(path, func(t *testing.T) {
			s := newAPIServer(t)
			populate(t, s, 5)
			failures := 0
			s.fault = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != path || failures == 2 {
					return false
				}
				if failures++; failures == 1 {
					http.Error(w, "busy", http.StatusServiceUnavailable)
				} else {
					w.Header().Set("Content-Length", "100")
					_, _ = w.Write([]byte("{")) // cut short
				}
				return true
			}
			snap, err := catalog.Live("one", s.config(), nil).Read(t.Context())
			if err != nil || !snap.Cluster.Coverage.Complete || failures != 2 {
				t.Errorf("coverage %+v after %d failures, error %v", snap.Cluster.Coverage, failures, err)
			}
		})
	}
}

func TestAHangingServerEndsWithTheDeadline(t *testing.T) {
	t.Parallel()
	s := newAPIServer(t)
	populate(t, s, 5)
	s.fault = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/deployments") {
			<-r.Context().Done()
			return true
		}
		return false
	}
	snap, err := catalog.Live("one", s.config(), &catalog.LiveOptions{Timeout: time.Second}).Read(t.Context())
	if err == nil || snap.Cluster.Coverage.Complete || !slices.Contains(snap.Cluster.Coverage.Gaps, catalog.Gap{Resource: "deployments.apps", Reason: "timed out"}) {
		t.Errorf("coverage %+v, error %v", snap.Cluster.Coverage, err)
	}
	if len(snap.Bindings) != 1 {
		t.Errorf("what was read in time is lost: %+v", snap)
	}
}

func TestAnUnreachableClusterIsAGap(t *testing.T) {
	s := newAPIServer(t)
	s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	snaps, err := catalog.ReadAll(ctx, []catalog.Source{catalog.Live("gone", s.config(), nil)}, nil)
	if err == nil || len(snaps) != 1 || snaps[0].Cluster.Coverage.Complete || snaps[0].Cluster.Name != "gone" {
		t.Errorf("snapshots %+v, error %v", snaps[0], err)
	}
}

func TestPodsThatAnExceptionExceptsAreReadWithoutALabel(t *testing.T) {
	s := newAPIServer(t)
	populate(t, s, 5)
	s.define("aadpodidentity.k8s.io/v1", "AzurePodIdentityException")
	s.add("aadpodidentity.k8s.io/v1", "AzurePodIdentityException", custom(t, `
apiVersion: aadpodidentity.k8s.io/v1
kind: AzurePodIdentityException
metadata: {name: agent, namespace: shop}
spec: {podLabels: {app: agent}}
`))
	s.add("v1", "Pod", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "agent", Namespace: "shop", Labels: map[string]string{"app": "agent"}}})
	snap, err := catalog.Live("one", s.config(), nil).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(snap.Workloads, func(w catalog.Workload) bool { return w.Name == "agent" }) {
		t.Errorf("the pod is not there; lists: %q", s.lists())
	}
}
