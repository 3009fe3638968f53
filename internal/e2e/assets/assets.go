// Package assets builds the programs a fleet consists of from the modules that go.mod pins, and keeps them in the user's cache folder.
package assets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Program names one program of a fleet.
type Program string

// The programs that can be built.
const (
	Etcd              Program = "etcd"
	APIServer         Program = "kube-apiserver"
	ControllerManager Program = "kube-controller-manager"
	Scheduler         Program = "kube-scheduler"
	Kwok              Program = "kwok"
	Kubectl           Program = "kubectl"
	ArgoRollouts      Program = "rollouts-controller"
)

// ControlPlane lists what one cluster needs.
func ControlPlane() []Program {
	return []Program{Etcd, APIServer, ControllerManager, Scheduler, Kwok}
}

// All lists what any fleet needs: the control planes and the controller of Argo Rollouts.
func All() []Program { return append(ControlPlane(), ArgoRollouts) }

// Options configures [Ensure]. The zero value uses the user's cache folder and shows no progress.
type Options struct {
	// CacheDir holds the programs; empty means wimigrate-e2e in [os.UserCacheDir].
	CacheDir string
	// ModuleDir is a folder of this module, from which go is run; empty means the working directory.
	ModuleDir string
	// Progress is told what is being built and how long it has taken; nil means nobody.
	Progress io.Writer
}

// Ensure returns the paths of the programs, building those that are missing or broken. A cold build takes minutes;
// afterwards it is only seen that they are what was built. Concurrent callers, in this process or others, wait for one another and build once.
func Ensure(ctx context.Context, programs []Program, opts *Options) (map[Program]string, error) {
	o, err := opts.complete()
	if err != nil {
		return nil, err
	}
	pins, err := readPins(ctx, o.ModuleDir)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(o.CacheDir, pins.key())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("assets: make the cache folder: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(dir, "lock"), o.Progress)
	if err != nil {
		return nil, err
	}
	defer unlock()
	paths := make(map[Program]string, len(programs))
	var missing []Program
	for _, p := range programs {
		paths[p] = filepath.Join(dir, string(p))
		if !intact(paths[p]) {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return paths, nil
	}
	return paths, build(ctx, o, pins, missing, dir)
}

func (o *Options) complete() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	if c.CacheDir != "" {
		return c, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return c, errors.Join(errors.New("assets: no cache folder: set HOME or Options.CacheDir"), err)
	}
	c.CacheDir = filepath.Join(cache, "wimigrate-e2e")
	return c, nil
}
