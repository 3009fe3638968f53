package cutover

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// selectorOf reads spec.selector of an object as a label selector; false where there is none, or none that can be read.
func selectorOf(o *unstructured.Unstructured) (labels.Selector, bool) {
	found, _ := lookup(o.Object, []string{"spec", "selector"})
	raw, ok := found.(map[string]any)
	if !ok {
		return nil, false
	}
	var s metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(raw, &s); err != nil {
		return nil, false
	}
	out, err := metav1.LabelSelectorAsSelector(&s)
	return out, err == nil
}

func podLabels(pod *unstructured.Unstructured) labels.Set { return pod.GetLabels() }
