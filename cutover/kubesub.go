package cutover

import (
	"context"

	authenticationv1 "k8s.io/api/authentication/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// evict asks for the eviction of a pod through its subresource, so that PodDisruptionBudgets count.
func (k *kube) evict(ctx context.Context, w Write, dry []string) error {
	opts := &metav1.DeleteOptions{Preconditions: preconditions(w), DryRun: dry}
	e := &policyv1.Eviction{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "Eviction"},
		ObjectMeta: metav1.ObjectMeta{Name: w.Ref.Name, Namespace: w.Ref.Namespace}, DeleteOptions: opts,
	}
	body, err := runtime.DefaultUnstructuredConverter.ToUnstructured(e)
	if err != nil {
		return err
	}
	pods := k.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace(w.Ref.Namespace)
	_, err = pods.Create(ctx, &unstructured.Unstructured{Object: body}, metav1.CreateOptions{DryRun: dry}, "eviction")
	return err
}

// tokenLife is the shortest that the API server mints.
const tokenLife = 600

// Token implements Reader, through the TokenRequest API.
func (k *kube) Token(ctx context.Context, r TokenRequest) (string, error) {
	life := int64(tokenLife)
	t := &authenticationv1.TokenRequest{
		TypeMeta:   metav1.TypeMeta{APIVersion: "authentication.k8s.io/v1", Kind: "TokenRequest"},
		ObjectMeta: metav1.ObjectMeta{Name: r.ServiceAccount, Namespace: r.Namespace},
		Spec:       authenticationv1.TokenRequestSpec{Audiences: []string{r.Audience}, ExpirationSeconds: &life},
	}
	if r.Pod.Name != "" {
		t.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{
			APIVersion: "v1", Kind: "Pod", Name: r.Pod.Name, UID: types.UID(r.Pod.UID),
		}
	}
	body, err := runtime.DefaultUnstructuredConverter.ToUnstructured(t)
	if err != nil {
		return "", err
	}
	accounts := k.client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}).Namespace(r.Namespace)
	out, err := accounts.Create(ctx, &unstructured.Unstructured{Object: body}, metav1.CreateOptions{}, "token")
	if err != nil {
		return "", err
	}
	return text(out.Object, "status", "token"), nil
}
