package assets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// mend is a line of a module's source that is replaced before its program is built.
type mend struct{ module, file, line, by string }

func mends() []mend {
	const pods = "pkg/kwok/controllers/pod_controller.go"
	return []mend{
		// Argo Rollouts 1.9 is released with the libraries of Kubernetes 1.34. Here it is built with those that everything else is built
		// with, which spares compiling a second Kubernetes. By them a pod template must also name its service account in a field out of
		// use, which the controller does not carry over where it converts a template to validate it, and so would take every template for
		// invalid. This line carries it over.
		{argoRollouts, "pkg/apis/rollouts/validation/validation.go", "template.ObjectMeta = spec.Template.ObjectMeta",
			"template.ObjectMeta = spec.Template.ObjectMeta\n\t\ttemplate.Spec.DeprecatedServiceAccount = template.Spec.ServiceAccountName"},
		// kwok 0.8 deletes pods by name, at times twice, and so a StatefulSet's next pod. A kubelet deletes by UID.
		{kwokModule, pods, "Delete(ctx, pod.Name, deleteOpt)",
			"Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64), Preconditions: metav1.NewUIDPreconditions(string(pod.UID))})"},
		// Two of its workers that meet at a new node each make a pool of the node's addresses, and both give away its first one.
		{kwokModule, pods, "c.ipPools.Store(cidr, pool)", "pool, _ = c.ipPools.LoadOrStore(cidr, pool)"},
	}
}

// mended copies the sources to dir that programs are built from and that need mending, mends them there, and returns the flags that have go
// take them from there; none if nothing needs it.
func (p pins) mended(ctx context.Context, dir string, programs []Program) ([]string, error) {
	copies := map[string]string{} // by module
	for _, m := range mends() {
		if !p.from(m.module, programs) {
			continue
		}
		if copies[m.module] == "" {
			copies[m.module] = filepath.Join(dir, "source-of-"+path.Base(m.module))
			source, err := moduleSource(ctx, p.dir, m.module)
			if err != nil {
				return nil, err
			}
			if err := os.CopyFS(copies[m.module], os.DirFS(source)); err != nil {
				return nil, fmt.Errorf("assets: copy the source of %s: %w", m.module, err)
			}
		}
		if err := m.apply(copies[m.module]); err != nil {
			return nil, fmt.Errorf("assets: mend %s: %w", m.module, err)
		}
	}
	if len(copies) == 0 {
		return nil, nil
	}
	return p.replaced(ctx, dir, copies)
}

// from says whether one of the programs is built from a module.
func (p pins) from(module string, programs []Program) bool {
	for _, prog := range programs {
		if strings.HasPrefix(p.source(prog).pkg, module+"/") {
			return true
		}
	}
	return false
}

var errMend = errors.New("the source is not the one that the mend was written for: see whether it is still needed")

func (m mend) apply(dir string) error {
	file := filepath.Join(dir, m.file)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if strings.Count(string(text), m.line) != 1 {
		return fmt.Errorf("%s: %w", file, errMend)
	}
	return errors.Join(os.Remove(file), os.WriteFile(file, []byte(strings.Replace(string(text), m.line, m.by, 1)), 0o644))
}

// replaced writes the end-to-end module's go.mod and go.sum to dir, with the sources of modules replaced by folders, and returns the flag for
// go to use them.
func (p pins) replaced(ctx context.Context, dir string, by map[string]string) ([]string, error) {
	mod, err := goTool(ctx, p.dir, "env", "GOMOD")
	if err != nil {
		return nil, fmt.Errorf("assets: find the end-to-end module: %w", err)
	}
	mod = strings.TrimSpace(mod)
	to := filepath.Join(dir, "mended.mod")
	if err := errors.Join(copyFile(mod, to, 0o644), copyFile(strings.TrimSuffix(mod, ".mod")+".sum", strings.TrimSuffix(to, ".mod")+".sum", 0o644)); err != nil {
		return nil, fmt.Errorf("assets: %w", err)
	}
	edit := []string{"mod", "edit"}
	for module, folder := range by {
		edit = append(edit, "-replace="+module+"="+folder)
	}
	if _, err := goTool(ctx, p.dir, append(edit, to)...); err != nil {
		return nil, fmt.Errorf("assets: replace the sources that are mended: %w", err)
	}
	return []string{"-modfile=" + to}, nil
}

// moduleSource is the folder of a module's source, which is downloaded where only the programs are kept.
func moduleSource(ctx context.Context, dir, module string) (string, error) {
	out, err := goTool(ctx, dir, "mod", "download", "-json", module)
	if err != nil {
		return "", fmt.Errorf("assets: the source of %s: %w", module, err)
	}
	var source struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &source); err != nil {
		return "", fmt.Errorf("assets: the source of %s: %w", module, err)
	}
	return source.Dir, nil
}
