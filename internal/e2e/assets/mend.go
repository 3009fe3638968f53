package assets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Argo Rollouts 1.9 is released with the libraries of Kubernetes 1.34. Here it is built with those that everything else is built with, which
// spares compiling a second Kubernetes. By them a pod template must also name its service account in a field out of use, which the controller
// does not carry over where it converts a template to validate it, and so would take every template for invalid. This line carries it over.
const (
	mendedFile = "pkg/apis/rollouts/validation/validation.go"
	mendedLine = "template.ObjectMeta = spec.Template.ObjectMeta"
	mend       = mendedLine + "\n\t\ttemplate.Spec.DeprecatedServiceAccount = template.Spec.ServiceAccountName"
)

var errMend = errors.New("its source is not the one that the mend was written for: see whether it is still needed")

// mendRollouts copies the source of Argo Rollouts to dir, mends it there, and returns the flag that has go take it from there.
func mendRollouts(ctx context.Context, moduleDir, dir string) (string, error) {
	source, err := rolloutsSource(ctx, moduleDir)
	if err != nil {
		return "", err
	}
	mended := filepath.Join(dir, "argo-rollouts")
	if err := os.CopyFS(mended, os.DirFS(source)); err != nil {
		return "", fmt.Errorf("assets: copy the source of Argo Rollouts: %w", err)
	}
	path := filepath.Join(mended, mendedFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("assets: mend Argo Rollouts: %w", err)
	}
	if strings.Count(string(text), mendedLine) != 1 {
		return "", fmt.Errorf("assets: mend Argo Rollouts: %s: %w", path, errMend)
	}
	if err := errors.Join(os.Remove(path), os.WriteFile(path, []byte(strings.Replace(string(text), mendedLine, mend, 1)), 0o644)); err != nil {
		return "", fmt.Errorf("assets: mend Argo Rollouts: %w", err)
	}
	return replaced(ctx, moduleDir, dir, mended)
}

// replaced writes the end-to-end module's go.mod and go.sum to dir, with the source of Argo Rollouts replaced by a folder, and returns the
// flag for go to use them.
func replaced(ctx context.Context, moduleDir, dir, by string) (string, error) {
	mod, err := goTool(ctx, moduleDir, "env", "GOMOD")
	if err != nil {
		return "", fmt.Errorf("assets: find the end-to-end module: %w", err)
	}
	mod = strings.TrimSpace(mod)
	to := filepath.Join(dir, "rollouts.mod")
	if err := errors.Join(copyFile(mod, to, 0o644), copyFile(strings.TrimSuffix(mod, ".mod")+".sum", strings.TrimSuffix(to, ".mod")+".sum", 0o644)); err != nil {
		return "", fmt.Errorf("assets: %w", err)
	}
	if _, err := goTool(ctx, moduleDir, "mod", "edit", "-replace="+argoRollouts+"="+by, to); err != nil {
		return "", fmt.Errorf("assets: replace the source of Argo Rollouts: %w", err)
	}
	return "-modfile=" + to, nil
}
