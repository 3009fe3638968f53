package cutover_test

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
)

// With update strategy OnDelete the pods leave as a rolling update would take them: the highest ordinal first, whatever it looks like as text.
func TestOnDeleteEvictsTheHighestOrdinalFirst(t *testing.T) {
	set := &unstructured.Unstructured{Object: map[string]any{"kind": "StatefulSet", "metadata": map[string]any{"uid": "set", "generation": int64(2)},
		"spec":   map[string]any{"replicas": int64(12), "updateStrategy": map[string]any{"type": "OnDelete"}},
		"status": map[string]any{"observedGeneration": int64(2), "updateRevision": "new"}}}
	pods := func(updated map[int]bool) []*unstructured.Unstructured {
		var out []*unstructured.Unstructured
		for i := range 12 {
			revision := map[bool]string{true: "new", false: "old"}[updated[i]]
			out = append(out, &unstructured.Unstructured{Object: map[string]any{"kind": "Pod",
				"metadata": map[string]any{"name": fmt.Sprintf("web-%d", i), "labels": map[string]any{"controller-revision-hash": revision},
					"ownerReferences": []any{map[string]any{"uid": "set", "controller": true}}},
				"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}}})
		}
		return out
	}
	updated := map[int]bool{}
	for want := 11; want >= 0; want-- {
		if p := cutover.Rollout(set, pods(updated)); p.Evict != fmt.Sprintf("web-%d", want) {
			t.Fatalf("evicts %q after %d, want web-%d", p.Evict, 11-want, want)
		}
		updated[want] = true
	}
	if p := cutover.Rollout(set, pods(updated)); !p.Complete {
		t.Errorf("%+v", p)
	}
}

// Where a status does not speak of generations there is nothing to wait for; where it does, it counts.
func TestARolloutOfAKindWithoutARuleWaitsOnlyForWhatItsStatusTells(t *testing.T) {
	of := func(status map[string]any) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"kind": "ScaledJob", "metadata": map[string]any{"generation": int64(2)}, "status": status}}
	}
	for name, tc := range map[string]struct {
		status   map[string]any
		complete bool
	}{
		"no status at all":        {nil, true},
		"one without generations": {map[string]any{"conditions": []any{}}, true},
		"an older generation":     {map[string]any{"observedGeneration": int64(1)}, false},
		"the newest generation":   {map[string]any{"observedGeneration": int64(2)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if p := cutover.Rollout(of(tc.status), nil); p.Complete != tc.complete {
				t.Errorf("%+v, want complete: %v", p, tc.complete)
			}
		})
	}
}
