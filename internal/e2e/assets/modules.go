package assets

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// module is a Go module of ours whose go.mod pins what programs are built from, by its folder below the end-to-end module's.
type module string

// Argo Rollouts has a module of its own, with the Kubernetes libraries that it was released with: built with newer ones, its controller
// takes every pod template for invalid.
const (
	endToEnd module = "."
	argo     module = "argo"
)

// The modules the programs come from.
const (
	kubernetes   = "k8s.io/kubernetes"
	etcdServer   = "go.etcd.io/etcd/server/v3"
	kwokModule   = "sigs.k8s.io/kwok"
	argoRollouts = "github.com/argoproj/argo-rollouts"
)

// sources are the modules that programs are built from; the first one's version names the cache folder.
func (m module) sources() []string {
	if m == argo {
		return []string{argoRollouts}
	}
	return []string{kubernetes, etcdServer, kwokModule}
}

func moduleOf(p Program) module {
	if p == ArgoRollouts {
		return argo
	}
	return endToEnd
}

// byModule groups programs by the module that pins them.
func byModule(programs []Program) map[module][]Program {
	out := map[module][]Program{}
	for _, p := range programs {
		out[moduleOf(p)] = append(out[moduleOf(p)], p)
	}
	return out
}

// folder is where the module lies, seen from any folder of the end-to-end module.
func (m module) folder(ctx context.Context, dir string) (string, error) {
	if m == endToEnd {
		return dir, nil
	}
	root, err := goTool(ctx, dir, "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return "", fmt.Errorf("assets: find the end-to-end module: %w", err)
	}
	return filepath.Join(strings.TrimSpace(root), string(m)), nil
}
