package cutover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// kube is a real cluster.
type kube struct {
	client dynamic.Interface
	kinds  *kinds
}

// NewCluster returns the cluster behind a client configuration. It talks to the API server only when it is used. A configuration without
// rate limits of its own gets 20 requests a second with bursts of 40: a unit that waits sends none.
func NewCluster(cfg *rest.Config) (Cluster, error) {
	if cfg == nil {
		return nil, errors.New("cutover: NewCluster needs a client configuration")
	}
	c := rest.CopyConfig(cfg)
	if c.QPS == 0 && c.RateLimiter == nil {
		c.QPS, c.Burst = 20, 40
	}
	client, err := dynamic.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("cutover: %w", err)
	}
	k, err := newKinds(c)
	if err != nil {
		return nil, fmt.Errorf("cutover: %w", err)
	}
	return &kube{client: client, kinds: k}, nil
}

func (k *kube) resource(ctx context.Context, apiVersion, kind, namespace string) (dynamic.ResourceInterface, error) {
	gvr, err := k.kinds.resource(ctx, apiVersion, kind)
	if err != nil {
		return nil, err
	}
	if namespace == "" {
		return k.client.Resource(gvr), nil
	}
	return k.client.Resource(gvr).Namespace(namespace), nil
}

// Get implements Reader.
func (k *kube) Get(ctx context.Context, ref Ref) (*unstructured.Unstructured, error) {
	r, err := k.resource(ctx, ref.APIVersion, ref.Kind, ref.Namespace)
	if err != nil {
		return nil, err
	}
	return r.Get(ctx, ref.Name, metav1.GetOptions{})
}

// pageSize is how many objects one page of a list holds.
const pageSize = 500

// List implements Reader. It reads page by page; the API server sorts by namespace and name. A list whose next page has expired is read
// anew, in one piece.
func (k *kube) List(ctx context.Context, sel Selection) ([]*unstructured.Unstructured, error) {
	out, _, err := k.list(ctx, sel)
	return out, err
}

func (k *kube) list(ctx context.Context, sel Selection) ([]*unstructured.Unstructured, string, error) {
	r, err := k.resource(ctx, sel.APIVersion, sel.Kind, sel.Namespace)
	if err != nil {
		return nil, "", err
	}
	opts := listOptions(sel)
	opts.Limit = pageSize
	var out []*unstructured.Unstructured
	for {
		page, err := r.List(ctx, opts)
		switch {
		case err != nil && opts.Continue != "" && (apierrors.IsResourceExpired(err) || apierrors.IsGone(err)):
			opts.Continue, opts.Limit, out = "", 0, nil
			continue
		case err != nil:
			return nil, "", err
		}
		for i := range page.Items {
			out = append(out, &page.Items[i])
		}
		if opts.Continue = page.GetContinue(); opts.Continue == "" {
			return out, page.GetResourceVersion(), nil
		}
	}
}

func listOptions(sel Selection) metav1.ListOptions {
	o := metav1.ListOptions{LabelSelector: sel.Labels}
	if sel.Name != "" {
		o.FieldSelector = "metadata.name=" + sel.Name
	}
	return o
}

// DryRun implements Reader.
func (k *kube) DryRun(ctx context.Context, w Write) (*unstructured.Unstructured, error) {
	return k.write(ctx, w, []string{metav1.DryRunAll})
}

// Write implements Cluster.
func (k *kube) Write(ctx context.Context, w Write) (*unstructured.Unstructured, error) {
	return k.write(ctx, w, nil)
}

func (k *kube) write(ctx context.Context, w Write, dry []string) (*unstructured.Unstructured, error) {
	r, err := k.resource(ctx, w.Ref.APIVersion, w.Ref.Kind, w.Ref.Namespace)
	if err != nil {
		return nil, err
	}
	switch w.Verb {
	case Apply:
		body, err := guardedApply(w)
		if err != nil {
			return nil, err
		}
		// Never forced: a field that another manager holds at another value is a conflict, and a person's business.
		return r.Patch(ctx, w.Ref.Name, types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: Manager, DryRun: dry})
	case Patch:
		body, err := guardedPatch(w)
		if err != nil {
			return nil, err
		}
		var sub []string
		if w.Subresource != "" {
			sub = append(sub, w.Subresource)
		}
		return r.Patch(ctx, w.Ref.Name, types.JSONPatchType, body, metav1.PatchOptions{FieldManager: Manager, DryRun: dry}, sub...)
	case Create:
		var o unstructured.Unstructured
		if err := json.Unmarshal(w.Body, &o.Object); err != nil {
			return nil, err
		}
		return r.Create(ctx, &o, metav1.CreateOptions{FieldManager: Manager, DryRun: dry})
	case Delete:
		// Said outright: the pods of a Job would otherwise stay behind.
		// https://kubernetes.io/docs/concepts/workloads/controllers/job/#clean-up-finished-jobs-automatically
		background := metav1.DeletePropagationBackground
		return nil, r.Delete(ctx, w.Ref.Name, metav1.DeleteOptions{Preconditions: preconditions(w), DryRun: dry, PropagationPolicy: &background})
	case Evict:
		return nil, k.evict(ctx, w, dry)
	}
	return nil, fmt.Errorf("cutover: unknown verb %q", w.Verb)
}

// guardedApply puts the preconditions into the object: without the UID, an apply to a deleted object would create it again.
func guardedApply(w Write) ([]byte, error) {
	var body map[string]any
	if err := json.Unmarshal(w.Body, &body); err != nil {
		return nil, err
	}
	if w.Ref.UID != "" {
		setAt(body, []string{"metadata", "uid"}, w.Ref.UID)
	}
	if w.ResourceVersion != "" {
		setAt(body, []string{"metadata", "resourceVersion"}, w.ResourceVersion)
	}
	return json.Marshal(body)
}

// guardedPatch puts the preconditions before the operations: a test of the UID, and the resource version, which the API server
// compares when it is written.
func guardedPatch(w Write) ([]byte, error) {
	var ops, guards []json.RawMessage
	if err := json.Unmarshal(w.Body, &ops); err != nil {
		return nil, err
	}
	if w.Ref.UID != "" {
		guards = append(guards, mustJSON(operation{"test", "/metadata/uid", w.Ref.UID}))
	}
	if w.ResourceVersion != "" {
		guards = append(guards, mustJSON(operation{"replace", "/metadata/resourceVersion", w.ResourceVersion}))
	}
	return json.Marshal(append(guards, ops...))
}

func preconditions(w Write) *metav1.Preconditions {
	p := &metav1.Preconditions{}
	if w.Ref.UID != "" {
		uid := types.UID(w.Ref.UID)
		p.UID = &uid
	}
	if w.ResourceVersion != "" {
		p.ResourceVersion = &w.ResourceVersion
	}
	return p
}
