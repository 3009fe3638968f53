package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/e2e/assets"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/e2e/objects"
	"github.com/wimigrate/wimigrate/internal/e2e/pki"
)

// Fleet is a running fleet. Its methods are safe for concurrent use, except Rebuild and Stop.
type Fleet struct {
	// Clusters are the clusters in the order of the Spec.
	Clusters []*Cluster
	// Azure is Entra and what it knows.
	Azure *azure.Azure
	// Authority signed every certificate of the fleet.
	Authority *pki.Authority
	// Dir holds kubeconfigs, keys and logs.
	Dir string

	spec     Spec
	programs map[assets.Program]string
	workload string
	rollouts []*unstructured.Unstructured // the definitions of Argo Rollouts, if asked for
}

// Start starts a fleet: first all control planes at once, then the doubles around each. On an error nothing is left running, and the error
// names the folder with what there is of logs.
func Start(ctx context.Context, spec Spec) (*Fleet, error) {
	spec, err := spec.complete()
	if err != nil {
		return nil, err
	}
	f := &Fleet{spec: spec, Dir: spec.Dir}
	if err := f.start(ctx); err != nil {
		return nil, f.withLogs(errors.Join(err, f.Stop()))
	}
	return f, nil
}

// withLogs adds to an error where the logs are. A temporary folder in which there is nothing is removed instead.
func (f *Fleet) withLogs(err error) error {
	if f.Dir == "" || f.spec.Dir == "" && os.Remove(f.Dir) == nil {
		return err
	}
	return fmt.Errorf("%w\nlogs are in %s", err, f.Dir)
}

func (f *Fleet) start(ctx context.Context) error {
	if f.Dir == "" {
		dir, err := os.MkdirTemp("", "wimigrate-fleet-"+strings.ReplaceAll(f.spec.Name+"-", "/", "-"))
		if err != nil {
			return fmt.Errorf("fleet: %w", err)
		}
		f.Dir = dir
	}
	if err := os.MkdirAll(f.Dir, 0o755); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	if err := f.build(ctx); err != nil {
		return err
	}
	var err error
	if f.Authority, err = pki.NewAuthority("wimigrate test fleet"); err != nil {
		return err
	}
	if err := os.WriteFile(f.file("ca.crt"), f.Authority.PEM, 0o644); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	if f.Azure, err = azure.Start(f.Authority, f.spec.Azure); err != nil {
		return err
	}
	f.Clusters = make([]*Cluster, len(f.spec.Clusters))
	var g errgroup.Group
	for i, c := range f.spec.Clusters {
		g.Go(func() (err error) {
			f.Clusters[i], err = f.startCluster(ctx, c, i, 0)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return f.writeKubeconfig()
}

// build makes sure of all programs.
func (f *Fleet) build(ctx context.Context) error {
	opts := &assets.Options{ModuleDir: f.spec.ModuleDir, Progress: f.spec.Progress}
	programs := assets.ControlPlane()
	if f.spec.Rollouts {
		programs = append(programs, assets.ArgoRollouts)
		definitions, err := assets.RolloutDefinitions(ctx, opts)
		if err != nil {
			return err
		}
		if f.rollouts, err = objects.Parse(definitions); err != nil {
			return err
		}
	}
	var err error
	if f.programs, err = assets.Ensure(ctx, programs, opts); err != nil {
		return err
	}
	f.workload = f.file("workload")
	return assets.Local(ctx, "github.com/wimigrate/wimigrate/internal/e2e/cmd/workload", f.workload, opts)
}

func (f *Fleet) file(name string) string { return filepath.Join(f.Dir, name) }

// Cluster returns the cluster of that name, or nil.
func (f *Fleet) Cluster(name string) *Cluster {
	i := slices.IndexFunc(f.Clusters, func(c *Cluster) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return f.Clusters[i]
}

// HTTPClient returns a client that trusts every server of the fleet: API servers, Entra, ARM.
func (f *Fleet) HTTPClient() *http.Client {
	return f.Azure.HTTPClient()
}

// Reports returns the latest report of every container that ever ran in the fleet, cluster by cluster.
func (f *Fleet) Reports() []kubelet.PodReport {
	var all []kubelet.PodReport
	for _, c := range f.Clusters {
		all = append(all, c.Reports()...)
	}
	return all
}

// Rebuild replaces a cluster by an empty one of the same name, as after `az aks delete` and `create`: new issuer, new keys, no objects.
// The *Cluster stays the same; whatever was made from its clients is dead. After an error the cluster is down.
func (f *Fleet) Rebuild(ctx context.Context, name string) error {
	i := slices.IndexFunc(f.Clusters, func(c *Cluster) bool { return c.Name == name })
	if i < 0 {
		return fmt.Errorf("fleet: no cluster %s", name)
	}
	old := f.Clusters[i]
	generation := old.generation + 1
	if err := old.stop(); err != nil {
		return err
	}
	fresh, err := f.startCluster(ctx, f.spec.Clusters[i], i, generation)
	if err != nil {
		return err
	}
	*old = *fresh
	return f.writeKubeconfig()
}

// Err tells whether a program of the fleet has ended on its own, and why.
func (f *Fleet) Err() error {
	var errs []error
	for _, c := range f.Clusters {
		if !c.stopped {
			errs = append(errs, c.Plane.Err())
		}
	}
	return errors.Join(errs...)
}

// Stop stops everything and waits for it. The files stay.
func (f *Fleet) Stop() error {
	var g errgroup.Group
	errs := make([]error, len(f.Clusters))
	for i, c := range f.Clusters {
		if c != nil {
			g.Go(func() error { errs[i] = c.stop(); return nil })
		}
	}
	_ = g.Wait()
	if f.Azure != nil {
		f.Azure.Close()
	}
	return errors.Join(errs...)
}
