package cutovertest

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/wimigrate/wimigrate/cutover"
)

func alreadyExists(ref cutover.Ref) error { return apierrors.NewAlreadyExists(resource(ref), ref.Name) }

// validate refuses what the API server refuses of an update, as far as a cutover can run into it.
func validate(old, next *object) error {
	before, _ := old.data["spec"].(map[string]any)
	after, _ := next.data["spec"].(map[string]any)
	switch next.kind() {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet":
		if !sameJSON(before["selector"], after["selector"]) {
			return errors.New("spec.selector: field is immutable")
		}
		if err := selectorMatches(after); err != nil {
			return err
		}
	case "Job":
		if !sameJSON(before["template"], after["template"]) && before["suspend"] != true {
			return errors.New("spec.template: field is immutable")
		}
	case "Pod":
		if !sameJSON(before, after) {
			return errors.New("spec: pod updates may not change fields other than the image")
		}
	}
	switch next.kind() {
	case "Deployment":
		return validateStrategy(after)
	case "StatefulSet":
		if s := child(after, "updateStrategy"); s["type"] == "OnDelete" && s["rollingUpdate"] != nil { // which a DaemonSet may keep
			return errors.New("spec.updateStrategy.rollingUpdate: only allowed for updateStrategy 'RollingUpdate'")
		}
	}
	return nil
}

func selectorMatches(spec map[string]any) error {
	want, _ := child(spec, "selector")["matchLabels"].(map[string]any)
	have := child(spec, "template", "metadata", "labels")
	for k, v := range want {
		if have[k] != v {
			return fmt.Errorf("spec.template.metadata.labels: `selector` does not match template `labels` (%s)", k)
		}
	}
	return nil
}

func validateStrategy(spec map[string]any) error {
	strategy, _ := spec["strategy"].(map[string]any)
	rolling, _ := strategy["rollingUpdate"].(map[string]any)
	if strategy["type"] == "Recreate" && rolling != nil {
		return errors.New("spec.strategy.rollingUpdate: may not be specified when strategy `type` is 'Recreate'")
	}
	if integer(rolling["maxSurge"], 1) == 0 && integer(rolling["maxUnavailable"], 1) == 0 {
		return errors.New("spec.strategy.rollingUpdate.maxUnavailable: may not be 0 when `maxSurge` is 0")
	}
	if integer(spec["progressDeadlineSeconds"], 600) <= integer(spec["minReadySeconds"], 0) {
		return errors.New("spec.progressDeadlineSeconds: must be greater than minReadySeconds")
	}
	return nil
}

// integer reads a number, whatever Go type holds it.
func integer(v any, absent int) int {
	switch n := v.(type) {
	case int:
		return n
	case int64:
		return int(n)
	case float64:
		return int(n)
	}
	return absent
}
