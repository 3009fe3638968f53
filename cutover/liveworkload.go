package cutover

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// liveWorkload is a workload as the cluster holds it now.
type liveWorkload struct {
	*unstructured.Unstructured
	// template is its pod template; raw is the same, untyped.
	template corev1.PodTemplateSpec
	raw      map[string]any
}

// readWorkload reads a workload and its pod template.
func readWorkload(ctx context.Context, r Reader, w Workload) (*liveWorkload, error) {
	if w.Template == nil {
		return nil, fmt.Errorf("nobody knows where %s keeps its pod template", w.Kind)
	}
	live, err := get(ctx, r, w.Ref)
	if err != nil {
		return nil, err
	}
	if live == nil {
		return nil, errors.New("it does not exist")
	}
	found, _ := lookup(live.Object, w.Template)
	raw, ok := found.(map[string]any)
	if !ok {
		return nil, errors.New("it has no pod template now")
	}
	out := &liveWorkload{Unstructured: live, raw: raw}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw, &out.template); err != nil {
		return nil, fmt.Errorf("its pod template cannot be read: %w", err)
	}
	return out, nil
}

// containers are the init containers and the containers of the template.
func (l *liveWorkload) containers() []corev1.Container {
	return append(append([]corev1.Container{}, l.template.Spec.InitContainers...), l.template.Spec.Containers...)
}

// runningOf reads the object whose pods a workload's template makes: the workload, or the Argo Rollout that borrows it.
func runningOf(ctx context.Context, r Reader, w Workload, live *liveWorkload) (*unstructured.Unstructured, error) {
	if w.Borrower == nil {
		return live.Unstructured, nil
	}
	running, err := get(ctx, r, *w.Borrower)
	if err == nil && running == nil {
		err = errors.New("it does not exist")
	}
	if err != nil {
		return nil, fmt.Errorf("%s, which runs its template, cannot be read: %w", *w.Borrower, err)
	}
	return running, nil
}
