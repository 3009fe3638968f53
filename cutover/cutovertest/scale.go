package cutovertest

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/wimigrate/wimigrate/cutover"
)

// patchScale is a JSON Patch of an object's scale subresource. As on a real API server, the Scale leaves spec.replicas out where it is 0,
// so a patch of it must add, and can test only what is not 0.
// https://kubernetes.io/docs/reference/kubernetes-api/autoscaling-resources/scale-v1/
func patchScale(o *object, w cutover.Write, manager string) error {
	spec := child(o.data, "spec")
	have, scales := spec["replicas"]
	switch o.kind() {
	case "Deployment", "StatefulSet", "ReplicaSet", "Rollout":
	default:
		scales = false
	}
	if w.Subresource != "scale" || !scales {
		return notFound(w.Ref)
	}
	scale := map[string]any{}
	if n := integer(have, 0); n != 0 {
		scale["replicas"] = int64(n)
	}
	view := &object{owners: owners{}, data: map[string]any{
		"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": runtime.DeepCopyJSON(child(o.data, "metadata")), "spec": scale,
	}}
	if err := patchTo(view, w, manager); err != nil {
		return err
	}
	n := int64(integer(child(view.data, "spec")["replicas"], 0))
	if n == int64(integer(have, 0)) {
		return nil
	}
	spec["replicas"] = n
	o.owners.take(manager, opUpdate, []string{"spec\x00replicas"})
	return nil
}

// decodeBody reads the object of a creation.
func decodeBody(w cutover.Write) (map[string]any, error) {
	var body map[string]any
	if err := json.Unmarshal(w.Body, &body); err != nil {
		return nil, invalid(w.Ref, err.Error())
	}
	return body, nil
}
