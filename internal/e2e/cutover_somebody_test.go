package e2e_test

import (
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/retry"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

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
