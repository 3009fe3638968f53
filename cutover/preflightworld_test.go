package cutover_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

const issuer = "https://eastus.oic.prod-aks.azure.com/t/g/"

// world is a cluster in memory for one preflight: objects by kind and name, and what happens to dry runs.
type world struct {
	objects []*unstructured.Unstructured
	denied  string // a verb and resource that access reviews refuse
	refuse  func(cutover.Write) error
	born    func(n int) *unstructured.Unstructured
	probes  int
	skew    time.Duration
	iss     string
}

const healthy = `
- {apiVersion: v1, kind: Namespace, metadata: {name: kube-system, uid: cluster-uid}}
- {apiVersion: v1, kind: Namespace, metadata: {name: payments}}
- {apiVersion: v1, kind: ServiceAccount, metadata: {namespace: payments, name: api, uid: sa-uid}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {namespace: payments, name: api, uid: d-uid, generation: 1, resourceVersion: "7"}
  spec:
    replicas: 2
    selector: {matchLabels: {app: api}}
    template:
      metadata: {labels: {app: api, aadpodidbinding: payments}}
      spec: {serviceAccountName: api, containers: [{name: app, resources: {requests: {cpu: 100m}}}]}
  status: {observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2}
- apiVersion: admissionregistration.k8s.io/v1
  kind: MutatingWebhookConfiguration
  metadata: {name: azure-wi-webhook-mutating-webhook-configuration}
  webhooks:
  - name: mutation.azure-workload-identity.io
    failurePolicy: Fail
    sideEffects: None
    admissionReviewVersions: [v1]
    objectSelector: {matchLabels: {azure.workload.identity/use: "true"}}
    clientConfig: {service: {namespace: kube-system, name: hook}, caBundle: CA}
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {namespace: kube-system, name: hook-1}
  endpoints: [{nodeName: n1, conditions: {ready: true}}, {nodeName: n2, conditions: {ready: true}}]
`

func newWorld(t *testing.T, ca string) *world {
	t.Helper()
	var objects []map[string]any
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(healthy, "CA}", base64.StdEncoding.EncodeToString([]byte(ca))+"}")), &objects); err != nil {
		t.Fatal(err)
	}
	w := &world{iss: issuer}
	for _, o := range objects {
		w.objects = append(w.objects, &unstructured.Unstructured{Object: jsonValues(t, o)})
	}
	w.born = func(int) *unstructured.Unstructured { return asUnstructured(t, injectedPod(false, nil)) }
	return w
}

// jsonValues makes the numbers what the API machinery expects.
func jsonValues(t *testing.T, o map[string]any) map[string]any {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(b); err != nil {
		t.Fatal(err)
	}
	return u.Object
}

func (w *world) find(kind, name string) map[string]any {
	for _, o := range w.objects {
		if o.GetKind() == kind && (name == "" || o.GetName() == name) {
			return o.Object
		}
	}
	return nil
}

// set changes a field of an object; the path's parts are separated by spaces.
func (w *world) set(kind, name, path string, value any) {
	if err := unstructured.SetNestedField(w.find(kind, name), value, strings.Fields(path)...); err != nil {
		panic(err)
	}
}

// hookSet changes a field of the webhook.
func (w *world) hookSet(path string, value any) {
	config := w.find("MutatingWebhookConfiguration", "")
	hooks, _, _ := unstructured.NestedSlice(config, "webhooks")
	if err := unstructured.SetNestedField(hooks[0].(map[string]any), value, strings.Fields(path)...); err != nil {
		panic(err)
	}
	config["webhooks"] = hooks
}

func (w *world) drop(kind string) {
	for i, o := range w.objects {
		if o.GetKind() == kind {
			w.objects = append(w.objects[:i:i], w.objects[i+1:]...)
			return
		}
	}
}

func (w *world) add(text string) {
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		panic(err)
	}
	w.objects = append(w.objects, o)
}

func (w *world) reader() cutover.Reader {
	missing := func(name string) error { return apierrors.NewNotFound(schema.GroupResource{}, name) }
	return readerFuncs{
		get: func(r cutover.Ref) (*unstructured.Unstructured, error) {
			for _, o := range w.objects {
				if o.GetKind() == r.Kind && o.GetName() == r.Name && o.GetNamespace() == r.Namespace {
					return o.DeepCopy(), nil
				}
			}
			return nil, missing(r.Name)
		},
		list: func(s cutover.Selection) ([]*unstructured.Unstructured, error) {
			var out []*unstructured.Unstructured
			for _, o := range w.objects {
				if o.GetKind() == s.Kind {
					out = append(out, o.DeepCopy())
				}
			}
			return out, nil
		},
		token: func(cutover.TokenRequest) (string, error) {
			claims := fmt.Sprintf(`{"iss":%q,"iat":%d}`, w.iss, time.Now().Add(w.skew).Unix())
			return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln", nil
		},
		dryRun: w.dryRun,
	}
}

func (w *world) dryRun(write cutover.Write) (*unstructured.Unstructured, error) {
	if write.Ref.Kind == "SelfSubjectAccessReview" {
		var review map[string]any
		if err := json.Unmarshal(write.Body, &review); err != nil {
			return nil, err
		}
		verb, _, _ := unstructured.NestedString(review, "spec", "resourceAttributes", "verb")
		resource, _, _ := unstructured.NestedString(review, "spec", "resourceAttributes", "resource")
		return &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"allowed": verb+" "+resource != w.denied}}}, nil
	}
	if w.refuse != nil {
		if err := w.refuse(write); err != nil {
			return nil, err
		}
	}
	if write.Ref.Kind == "Pod" {
		w.probes++
		return w.born(w.probes), nil
	}
	return &unstructured.Unstructured{}, nil
}

type trustFunc func(catalog.Identity) ([]federation.Credential, error)

func (f trustFunc) List(_ context.Context, id catalog.Identity) ([]federation.Credential, error) {
	return f(id)
}

func preflightTarget(w *world) cutover.Target {
	t := apiTarget(w.reader())
	t.Plan = &cutover.Plan{Clusters: []cutover.PlanCluster{{Name: "c1", Issuer: issuer, UID: "cluster-uid"}}, Limits: cutover.Limits{CanaryPods: 2}}
	t.Unit.Mode = cutover.Direct
	t.Unit.Workloads[0].UID, t.Workloads[0].UID, t.Unit.Accounts[0].Ref.UID = "d-uid", "d-uid", "sa-uid"
	t.Unit.Accounts[0].Identity.ResourceID, t.Unit.Accounts[0].Identity.TenantID = "/id-api", "ours"
	t.Unit.Steps = []cutover.Step{{ID: "annotate", Kind: cutover.StepAnnotate, Edits: []cutover.Edit{{ID: "annotate/api", Verb: cutover.Apply, Ref: t.Unit.Accounts[0].Ref,
		Fields: []cutover.Field{{Path: []string{"metadata", "annotations", "azure.workload.identity/client-id"}, After: "abcd"}}}}}}
	t.Trust = trustFunc(func(catalog.Identity) ([]federation.Credential, error) {
		return []federation.Credential{{Name: "n", Issuer: issuer, Subject: "system:serviceaccount:payments:api", Audience: "api://AzureADTokenExchange"}}, nil
	})
	t.Oracle = oracleFuncs{}
	return t
}
