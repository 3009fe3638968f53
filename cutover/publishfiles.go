package cutover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/internal/wholefile"
)

// kustomization is the name of the file that lists the patches of a folder.
const kustomization = "kustomization.yaml"

// PublishFiles returns an [Options.Publish] that writes into a folder, such as a working copy of the repository: a file for each patch at
// its Path, and in each namespace's folder a kustomize Component that lists them, for the overlay that deploys the namespace to name
// (components: [PATH]). Every file is written whole or not at all. What to commit, and when, is the caller's to decide.
func PublishFiles(dir string) func(ctx context.Context, p Publication) error {
	var one sync.Mutex // two units of a namespace share its Component
	return func(ctx context.Context, p Publication) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		one.Lock()
		defer one.Unlock()
		local := filepath.FromSlash(p.Path)
		if !filepath.IsLocal(local) {
			return fmt.Errorf("cutover: %q is no path below a folder", p.Path)
		}
		path := filepath.Join(dir, local)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := writeWhole(path, []byte(header(p)+cmp.Or(p.StrategicMerge, p.JSONPatch))); err != nil {
			return err
		}
		return writeComponent(path, p)
	}
}

// header says what a patch is, in comments.
func header(p Publication) string {
	out := "# The cutover of unit " + p.Unit
	if p.Owner != "" {
		out += ", deployed by " + p.Owner
	}
	if p.Source != "" {
		out += "; the manifest is in " + p.Source
	}
	return strings.ReplaceAll(out, "\n", " ") + "\n"
}

// patchList is a kustomize Component that lists patches.
type patchList struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Patches    []listedPatch `json:"patches"`
}

// listedPatch names a patch file. A JSON Patch does not say what it is for; a strategic merge does.
type listedPatch struct {
	Path   string            `json:"path"`
	Target map[string]string `json:"target,omitempty"`
}

// writeComponent lists the patches that are in the new one's folder by now.
func writeComponent(path string, p Publication) error {
	dir := filepath.Dir(path)
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	targets, err := readTargets(filepath.Join(dir, kustomization))
	if err != nil {
		return err
	}
	delete(targets, filepath.Base(path))
	if p.StrategicMerge == "" {
		gvk := schema.FromAPIVersionAndKind(p.Object.APIVersion, p.Object.Kind)
		targets[filepath.Base(path)] = map[string]string{"group": gvk.Group, "version": gvk.Version, "kind": gvk.Kind, "name": p.Object.Name,
			"namespace": p.Object.Namespace}
	}
	list := patchList{APIVersion: "kustomize.config.k8s.io/v1alpha1", Kind: "Component", Patches: []listedPatch{}}
	for _, f := range files {
		if name := f.Name(); strings.HasSuffix(name, ".yaml") && name != kustomization && !strings.HasPrefix(name, ".") {
			list.Patches = append(list.Patches, listedPatch{name, targets[name]})
		}
	}
	text, err := yaml.Marshal(list)
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(dir, kustomization), text)
}

// readTargets returns the targets that a Component names, by the patch's path.
func readTargets(file string) (map[string]map[string]string, error) {
	out := map[string]map[string]string{}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	var have patchList
	if err := yaml.Unmarshal(text, &have); err != nil {
		return nil, fmt.Errorf("cutover: %s is no kustomization: %w", file, err)
	}
	for _, x := range have.Patches {
		out[x.Path] = x.Target
	}
	return out, nil
}

func writeWhole(path string, text []byte) error {
	return wholefile.Write(path, 0o644, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
