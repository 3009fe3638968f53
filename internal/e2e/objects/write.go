package objects

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// WriteDump writes objects into a folder as `kubectl get -o json` does: one List per kind.
func WriteDump(dir string, all []*unstructured.Unstructured) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("objects: write dump: %w", err)
	}
	byFile := map[string][]*unstructured.Unstructured{}
	for _, o := range all {
		name := strings.NewReplacer("/", "_").Replace(strings.ToLower(o.GetAPIVersion()+"_"+o.GetKind())) + ".json"
		byFile[name] = append(byFile[name], o)
	}
	for name, items := range byFile {
		list := map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{"resourceVersion": ""}, "items": items}
		b, err := json.MarshalIndent(list, "", "    ")
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o644)
		}
		if err != nil {
			return fmt.Errorf("objects: write dump: %w", err)
		}
	}
	return nil
}
