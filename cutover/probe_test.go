package cutover_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
)

// readerFuncs is a Reader of which a test fills in what it needs.
type readerFuncs struct {
	cutover.Reader
	get    func(cutover.Ref) (*unstructured.Unstructured, error)
	list   func(cutover.Selection) ([]*unstructured.Unstructured, error)
	dryRun func(cutover.Write) (*unstructured.Unstructured, error)
	token  func(cutover.TokenRequest) (string, error)
}

func (r readerFuncs) Get(_ context.Context, ref cutover.Ref) (*unstructured.Unstructured, error) {
	return r.get(ref)
}

func (r readerFuncs) List(_ context.Context, s cutover.Selection) ([]*unstructured.Unstructured, error) {
	return r.list(s)
}

func (r readerFuncs) DryRun(_ context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	return r.dryRun(w)
}

func (r readerFuncs) Token(_ context.Context, t cutover.TokenRequest) (string, error) {
	return r.token(t)
}

func apiDeployment(cutover.Ref) (*unstructured.Unstructured, error) {
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"namespace": "payments", "name": "api"},
		"spec": map[string]any{"template": map[string]any{
			"metadata": map[string]any{"labels": map[string]any{"app": "api", "aadpodidbinding": "payments"}},
			"spec":     map[string]any{"serviceAccountName": "api", "containers": []any{map[string]any{"name": "app"}}}}}}}, nil
}

func apiTarget(r cutover.Reader) cutover.Target {
	w := cutover.Workload{Ref: cutover.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "payments", Name: "api"},
		ServiceAccount: "api", Selector: "payments", Template: []string{"spec", "template"}}
	return cutover.Target{Cluster: r, Workloads: []cutover.Workload{w}, Unit: &cutover.Unit{Cluster: "c1", Namespace: "payments", Workloads: []cutover.Workload{w},
		Accounts: []cutover.Account{{Ref: cutover.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "payments", Name: "api"}, Identity: catalog.Identity{ClientID: "abcd"}}}}}
}

func asUnstructured(t *testing.T, pod *corev1.Pod) *unstructured.Unstructured {
	t.Helper()
	m, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pod)
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: m}
}

func TestInjectionProbe(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	good := func(int) (*corev1.Pod, error) { return injectedPod(false, nil), nil }
	for _, tc := range []struct {
		name  string
		born  func(n int) (*corev1.Pod, error)
		want  cutover.Result
		says  string
		tries int
	}{
		{"every dry-run pod is injected", good, cutover.Pass, "10 of 10", 10},
		{"a webhook that injects half is caught", func(n int) (*corev1.Pod, error) {
			return injectedPod(false, func(p *corev1.Pod) {
				if n%2 == 1 {
					p.Spec.Containers[0].Env = nil
				}
			}), nil
		}, cutover.Fail, "only 5 of 10", 10},
		{"a webhook that still knows the old annotation is caught", func(int) (*corev1.Pod, error) {
			return injectedPod(false, func(p *corev1.Pod) { p.Spec.Containers[0].Env[0].Value = "old" }), nil
		}, cutover.Fail, "AZURE_CLIENT_ID is old", 10},
		{"a webhook that is down refuses the pod", func(int) (*corev1.Pod, error) {
			return nil, apierrors.NewInternalError(errors.New(`failed calling webhook "mutation.azure-workload-identity.io": connection refused`))
		}, cutover.Fail, "failed calling webhook", 1},
		{"no permission says nothing about the webhook", func(int) (*corev1.Pod, error) {
			return nil, apierrors.NewForbidden(pods, "", errors.New("cannot create"))
		}, cutover.Inconclusive, "does not let us try", 1},
		{"no answer says nothing", func(int) (*corev1.Pod, error) { return nil, errors.New("connection reset") }, cutover.Inconclusive, "no answer", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tries := 0
			r := readerFuncs{get: apiDeployment, dryRun: func(w cutover.Write) (*unstructured.Unstructured, error) {
				var sent corev1.Pod
				if err := json.Unmarshal(w.Body, &sent); err != nil || w.Verb != cutover.Create || w.Ref.Namespace != "payments" ||
					sent.Labels["azure.workload.identity/use"] != "true" || sent.Labels["app"] != "api" || sent.Spec.ServiceAccountName != "api" {
					t.Errorf("sent %+v, %s (%v)", w.Ref, w.Body, err)
				}
				pod, err := tc.born(tries)
				tries++
				if err != nil {
					return nil, err
				}
				return asUnstructured(t, pod), nil
			}}
			v := cutover.InjectionProbe(0)(t.Context(), apiTarget(r))
			if v.Result != tc.want || !strings.Contains(v.Reason+v.Evidence[0].Got, tc.says) || tries != tc.tries {
				t.Errorf("after %d tries: %+v; want %s with %q after %d", tries, v, tc.want, tc.says, tc.tries)
			}
		})
	}
	t.Run("nothing to probe is inconclusive", func(t *testing.T) {
		target := apiTarget(readerFuncs{})
		target.Workloads = nil
		if v := cutover.InjectionProbe(0)(t.Context(), target); v.Result != cutover.Inconclusive {
			t.Errorf("%+v", v)
		}
	})
	t.Run("a workload that cannot be read is inconclusive", func(t *testing.T) {
		gone := readerFuncs{get: func(cutover.Ref) (*unstructured.Unstructured, error) { return nil, errors.New("timeout") }}
		if v := cutover.InjectionProbe(0)(t.Context(), apiTarget(gone)); v.Result != cutover.Inconclusive {
			t.Errorf("%+v", v)
		}
	})
}
