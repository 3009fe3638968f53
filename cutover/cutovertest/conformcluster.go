package cutovertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
)

// conformWait is how long controllers of a real cluster get to write a status.
const conformWait = time.Minute

var (
	conformDeployment = cutover.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
	conformAccount    = cutover.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "shop", Name: "web"}
)

// TestCluster is the suite that every cutover.Cluster must pass, the simulation and a real API server alike: what they make of the
// engine's writes when their preconditions hold, and when they do not. It wants a namespace shop with nothing in it but the
// ServiceAccount web and the Deployment web of three pods, labelled app: web and on Pod Identity. It leaves the Deployment scaled to zero.
func TestCluster(t *testing.T, c cutover.Cluster) {
	t.Run("guarded writes", func(t *testing.T) { testGuards(t, c) })
	t.Run("a PodDisruptionBudget decides about evictions", func(t *testing.T) { testBudget(t, c) })
	t.Run("a ResourceQuota decides about new pods", func(t *testing.T) { testQuota(t, c) })
	t.Run("the scale subresource", func(t *testing.T) { testScale(t, c) })
	t.Run("a Job goes with its pods", func(t *testing.T) { testJob(t, c) })
}

// conformCase is one write and the HTTP code of its refusal; 0 where it is made.
type conformCase struct {
	name  string
	write cutover.Write
	code  int
}

func testGuards(t *testing.T, c cutover.Cluster) {
	annotate := json.RawMessage(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"web","namespace":"shop","annotations":{"example.com/a":"1"}}}`)
	const unbind = `[{"op":"test","path":"/spec/template/metadata/labels/aadpodidbinding","value":%q},
		{"op":"remove","path":"/spec/template/metadata/labels/aadpodidbinding"}]`
	const other = "00000000-0000-4000-8000-999999999999"
	label, _, _ := unstructured.NestedString(conformGet(t, c, conformDeployment).Object, "spec", "template", "metadata", "labels", "aadpodidbinding")
	with := func(r cutover.Ref, uid string) cutover.Ref { r.UID = uid; return r }
	gone := cutover.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "shop", Name: "gone", UID: other}
	fresh := cutover.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "shop", Name: "fresh"}
	for _, tc := range []conformCase{
		{"an apply without preconditions makes what is not there", cutover.Write{Verb: cutover.Apply, Ref: fresh,
			Body: json.RawMessage(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"fresh","namespace":"shop"}}`)}, 0},
		{"and a deletion takes it away", cutover.Write{Verb: cutover.Delete, Ref: fresh}, 0},
		{"an apply with another UID is 422", cutover.Write{Verb: cutover.Apply, Ref: with(conformAccount, other), Body: annotate}, http.StatusUnprocessableEntity},
		{"an apply with a UID to what is gone is a conflict and makes nothing", cutover.Write{Verb: cutover.Apply, Ref: gone,
			Body: json.RawMessage(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"gone","namespace":"shop"}}`)}, http.StatusConflict},
		{"an apply with an old resource version is a conflict", cutover.Write{Verb: cutover.Apply, Ref: conformAccount, ResourceVersion: "1", Body: annotate}, http.StatusConflict},
		{"a patch whose test fails is 422", cutover.Write{Verb: cutover.Patch, Ref: conformDeployment, Body: fmt.Appendf(nil, unbind, "other")}, http.StatusUnprocessableEntity},
		{"a patch with another UID is 422", cutover.Write{Verb: cutover.Patch, Ref: with(conformDeployment, other), Body: fmt.Appendf(nil, unbind, label)}, http.StatusUnprocessableEntity},
		{"a patch with an old resource version is a conflict", cutover.Write{Verb: cutover.Patch, Ref: conformDeployment, ResourceVersion: "1",
			Body: fmt.Appendf(nil, unbind, label)}, http.StatusConflict},
		{"a selector is immutable", cutover.Write{Verb: cutover.Patch, Ref: conformDeployment,
			Body: json.RawMessage(`[{"op":"add","path":"/spec/selector/matchLabels/more","value":"x"},{"op":"add","path":"/spec/template/metadata/labels/more","value":"x"}]`)}, http.StatusUnprocessableEntity},
		{"a deletion with another UID is a conflict", cutover.Write{Verb: cutover.Delete, Ref: with(conformAccount, other)}, http.StatusConflict},
		{"a creation of what is there is a conflict", cutover.Write{Verb: cutover.Create, Ref: conformAccount,
			Body: json.RawMessage(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"web","namespace":"shop"}}`)}, http.StatusConflict},
		{"a well guarded apply is made", cutover.Write{Verb: cutover.Apply, Ref: with(conformAccount, string(conformGet(t, c, conformAccount).GetUID())), Body: annotate}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) { conformWrite(t, c, tc.write, tc.code) })
	}
	gone.UID = ""
	if _, err := c.Get(t.Context(), gone); !apierrors.IsNotFound(err) {
		t.Errorf("a refused apply left something behind: %v", err)
	}
	if got := conformGet(t, c, conformAccount).GetAnnotations()["example.com/a"]; got != "1" {
		t.Errorf("the annotation is %q", got)
	}
}

// conformWrite makes a write and wants that code of its refusal, or none.
func conformWrite(t *testing.T, c cutover.Cluster, w cutover.Write, want int) {
	t.Helper()
	_, err := c.Write(t.Context(), w)
	if got := conformCode(err); got != want || (err != nil) != (want != 0) {
		t.Errorf("%s %s: got %d (%v), want %d", w.Verb, w.Ref, got, err, want)
	}
}

func conformCode(err error) int {
	if status := apierrors.APIStatus(nil); err != nil && errors.As(err, &status) {
		return int(status.Status().Code)
	}
	return 0
}

func conformGet(t *testing.T, c cutover.Cluster, r cutover.Ref) *unstructured.Unstructured {
	t.Helper()
	o, err := c.Get(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// conformPods are the names of the Ready pods of the Deployment, when there are want of them.
func conformPods(t *testing.T, c cutover.Cluster, want int) []string {
	t.Helper()
	var names []string
	conformAwait(t, c, cutover.Selection{APIVersion: "v1", Kind: "Pod", Namespace: "shop"}, func(objs map[string]*unstructured.Unstructured) bool {
		names = nil
		for name, o := range objs {
			conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
			for _, it := range conditions {
				x, _ := it.(map[string]any)
				if strings.HasPrefix(name, "web-") && o.GetDeletionTimestamp() == nil && x["type"] == "Ready" && x["status"] == "True" {
					names = append(names, name)
				}
			}
		}
		return len(names) == want
	})
	return names
}
