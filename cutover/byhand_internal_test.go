package cutover

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// Where nobody knows the place of a pod template, the hold still says in YAML what its pods must come to carry.
func TestManualSaysInYAMLWhatPodsMustCarry(t *testing.T) {
	ref := Ref{APIVersion: "sparkoperator.k8s.io/v1beta2", Kind: "SparkApplication", Namespace: "shop", Name: "sums"}
	for name, tc := range map[string]struct {
		unit Unit
		edit string
		path string
		want any
	}{
		"the webhook's label":            {Unit{Namespace: "shop"}, "label/x", "labels azure.workload.identity/use", "true"},
		"and the sidecar's annotation":   {Unit{Namespace: "shop", Strategy: Strategy{Sidecar: true}}, "label/x", "annotations azure.workload.identity/inject-proxy-sidecar", "true"},
		"and not the old label any more": {Unit{Namespace: "shop"}, "unbind/x", "labels aadpodidbinding", nil},
	} {
		t.Run(name, func(t *testing.T) {
			first, text, _ := strings.Cut(manual(&tc.unit, &Edit{ID: tc.edit, Ref: ref}), "\n")
			var got map[string]any
			if err := yaml.Unmarshal([]byte(text), &got); err != nil || !strings.Contains(first, "SparkApplication/sums in namespace shop") {
				t.Fatalf("%v: %s\n%s", err, first, text)
			}
			path := append([]string{"metadata"}, strings.Fields(tc.path)...)
			if v, _ := lookup(got, path); v != tc.want || !strings.Contains(text, path[2]) {
				t.Errorf("%s", text)
			}
		})
	}
}
