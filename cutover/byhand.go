package cutover

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// mergePatch is an object that holds the fields at their After values; null removes, in a merge.
func mergePatch(r Ref, fields []Field) string {
	body := map[string]any{
		"apiVersion": r.APIVersion, "kind": r.Kind,
		"metadata": map[string]any{"name": r.Name, "namespace": r.Namespace},
	}
	for _, f := range fields {
		if f.Path != nil {
			setAt(body, f.Path, f.After)
		}
	}
	return asYAML(body)
}

func asYAML(v any) string {
	b, err := yaml.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// indexed reports whether a field lies in a list, which a merge would replace as a whole.
func indexed(fields []Field) bool {
	return slices.ContainsFunc(fields, func(f Field) bool {
		return slices.ContainsFunc(f.Path, func(key string) bool {
			_, err := strconv.Atoi(key)
			return err == nil
		})
	})
}

// byHand is what a person must do about an object whose kind no rule knows, as YAML that kubectl takes.
func byHand(r Ref, fields []Field) string {
	kind, patch := "merge", mergePatch(r, fields)
	if indexed(fields) {
		kind, patch = "json", asYAML(patchOps(fields, nil))
	}
	return fmt.Sprintf("no rule knows the kind %s: look at %s in namespace %s, and apply this (kubectl patch %s %s -n %s --type=%s --patch-file FILE); the unit goes on when it is seen:\n%s",
		r.Kind, r, r.Namespace, strings.ToLower(r.Kind)+"."+group(r), r.Name, r.Namespace, kind, patch)
}

func group(r Ref) string {
	g, _ := resourceOf(r)
	return g
}

// manual is what a person must do about an object whose pod template nobody has found.
func manual(u *Unit, e *Edit) string {
	labels := map[string]any{workloadid.UseLabel: workloadid.UseValue}
	meta := map[string]any{"labels": labels}
	if u.Strategy.Sidecar {
		meta["annotations"] = u.Strategy.podAnnotations()
	}
	if strings.HasPrefix(e.ID, "unbind/") {
		meta = map[string]any{"labels": map[string]any{podidentity.Label: nil}}
	}
	return fmt.Sprintf("nobody knows where %s %s in namespace %s keeps its pod template, so it is not changed: bring its pods to carry this (null: to lose it), "+
		"roll the unit back, and plan again with a snapshot that holds the object itself:\n%s",
		e.Ref.APIVersion, e.Ref, u.Namespace, asYAML(map[string]any{"metadata": meta}))
}
