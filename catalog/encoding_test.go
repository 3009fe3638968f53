package catalog_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// asJSON writes YAML as kubectl get -o json would.
func asJSON(t *testing.T, text string) string {
	t.Helper()
	b, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// indented moves the items of a List two columns to the right, as other writers of YAML do.
func indented(text string) string {
	head, rest, _ := strings.Cut(text, "items:\n")
	items, tail, _ := strings.Cut(rest, "kind: List")
	items = "  " + strings.ReplaceAll(strings.TrimSuffix(items, "\n"), "\n", "\n  ") + "\n"
	return head + "items:\n" + items + "kind: List" + tail
}

// jsonIndent writes JSON as kubectl does.
func jsonIndent(out *bytes.Buffer, text []byte) error { return json.Indent(out, text, "", "    ") }
