package assets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// RolloutDefinitions returns the custom resource definitions of Argo Rollouts as a stream of YAML documents: those that the module of its
// controller ships, in the version that is built.
func RolloutDefinitions(ctx context.Context, opts *Options) ([]byte, error) {
	o, err := opts.complete()
	if err != nil {
		return nil, err
	}
	dir, err := rolloutsSource(ctx, o.ModuleDir)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "manifests", "crds", "*-crd.yaml"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("assets: no definitions of Argo Rollouts in %s: %w", dir, errors.Join(err, os.ErrNotExist))
	}
	var all bytes.Buffer
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("assets: the definitions of Argo Rollouts: %w", err)
		}
		all.WriteString("---\n")
		all.Write(b)
	}
	return all.Bytes(), nil
}

// rolloutsSource is the folder of the source of Argo Rollouts, which is downloaded where only the program is kept.
func rolloutsSource(ctx context.Context, dir string) (string, error) {
	out, err := goTool(ctx, dir, "mod", "download", "-json", argoRollouts)
	if err != nil {
		return "", fmt.Errorf("assets: the source of Argo Rollouts: %w", err)
	}
	var source struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &source); err != nil {
		return "", fmt.Errorf("assets: the source of Argo Rollouts: %w", err)
	}
	return source.Dir, nil
}
