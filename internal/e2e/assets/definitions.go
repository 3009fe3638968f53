package assets

import (
	"bytes"
	"context"
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
	dir, err := moduleSource(ctx, o.ModuleDir, argoRollouts)
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
