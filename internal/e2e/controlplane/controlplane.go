// Package controlplane starts a real Kubernetes control plane on loopback: etcd, API server, controller manager, scheduler and kwok, which
// plays nodes and kubelets. The API server is its own OpenID Connect issuer, so tokens it signs can be verified as Entra verifies AKS's.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/internal/e2e/assets"
	"github.com/wimigrate/wimigrate/internal/e2e/pki"
	"github.com/wimigrate/wimigrate/internal/e2e/ports"
	"github.com/wimigrate/wimigrate/internal/e2e/process"
)

// Config says what [Start] needs. All fields are required unless said otherwise.
type Config struct {
	// Name is the cluster's name and its context in a kubeconfig.
	Name string
	// Dir receives certificates, keys, etcd's data and logs.
	Dir string
	// Programs are the paths that [assets.Ensure] returned.
	Programs map[assets.Program]string
	// Authority signs the API server's certificate.
	Authority *pki.Authority
	// JobSeconds is how long pods of Jobs run before they complete; 0 means 5 s.
	JobSeconds int
}

// ControlPlane is one running cluster. Its methods are safe for concurrent use, except that Stop, Restart and RotateSigningKey must not
// overlap one another.
type ControlPlane struct {
	cfg   Config
	group *process.Group
	etcd  *ports.Port
	peer  *ports.Port
	api   *ports.Port
	keys  []string // signing key files, the current one first
	rest  *rest.Config

	apiServer *process.Process
	all       []*process.Process // every process that must stay up
}

// Start starts a control plane and returns when it answers and publishes its keys to anonymous readers. On an error everything that was
// started has been stopped, and the message carries the end of the log of the program that failed.
func Start(ctx context.Context, cfg Config) (*ControlPlane, error) {
	if cfg.JobSeconds == 0 {
		cfg.JobSeconds = 5
	}
	c := &ControlPlane{cfg: cfg}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("controlplane: %s: %w", cfg.Name, err), c.Stop())
	}
	return c, nil
}

func (c *ControlPlane) start(ctx context.Context) error {
	if err := os.MkdirAll(c.cfg.Dir, 0o755); err != nil {
		return err
	}
	c.group = process.NewGroup(c.cfg.Dir)
	for _, p := range []**ports.Port{&c.etcd, &c.peer, &c.api} {
		port, err := ports.Reserve()
		if err != nil {
			return err
		}
		*p = port
	}
	if err := c.writeFiles(); err != nil {
		return err
	}
	if err := c.run(assets.Etcd, c.etcdArgs()); err != nil {
		return err
	}
	if err := c.runAPIServer(ctx); err != nil {
		return err
	}
	if err := c.publishIssuer(ctx); err != nil {
		return err
	}
	return errors.Join(
		c.run(assets.ControllerManager, c.controllerManagerArgs()),
		c.run(assets.Scheduler, c.schedulerArgs()),
		c.run(assets.Kwok, c.kwokArgs()))
}

// run starts one program that stays up for the cluster's life.
func (c *ControlPlane) run(p assets.Program, args []string) error {
	proc, err := c.group.Start(process.Spec{Name: string(p), Path: c.cfg.Programs[p], Args: args, Env: thrifty(), Grace: 2 * time.Second})
	if err != nil {
		return err
	}
	c.all = append(c.all, proc)
	return nil
}

// RunRollouts adds the controller of Argo Rollouts to a running cluster, in which its resources are defined. It stays up as the others do.
func (c *ControlPlane) RunRollouts() error {
	if err := c.run(assets.ArgoRollouts, c.rolloutsArgs()); err != nil {
		return fmt.Errorf("controlplane: %s: %w", c.cfg.Name, err)
	}
	return nil
}

// Name is the cluster's name.
func (c *ControlPlane) Name() string { return c.cfg.Name }

// Issuer is the issuer of the cluster's service-account tokens: the API server's own URL, with a trailing slash as AKS's have.
func (c *ControlPlane) Issuer() string { return "https://" + c.api.String() + "/" }

// RESTConfig returns a configuration of the administrator, without client-side rate limit, that the caller may change.
func (c *ControlPlane) RESTConfig() *rest.Config { return rest.CopyConfig(c.rest) }

// Kubeconfig is the path of a kubeconfig file with one context, named after the cluster.
func (c *ControlPlane) Kubeconfig() string { return filepath.Join(c.cfg.Dir, "kubeconfig") }

// Quiesce stops the controllers, the scheduler and kwok, so that a large estate can be written down as it is and nothing acts on it. Only
// the API server and its storage stay.
func (c *ControlPlane) Quiesce() error {
	var errs []error
	for _, p := range c.all[1:] { // the first is etcd
		errs = append(errs, p.Stop())
	}
	c.all = c.all[:1]
	return errors.Join(errs...)
}

// Err tells whether a program of the cluster has ended on its own, and why.
func (c *ControlPlane) Err() error {
	var errs []error
	for _, p := range append(c.all, c.apiServer) {
		select {
		case <-p.Done():
			errs = append(errs, fmt.Errorf("controlplane: %s: a program has ended: %w", c.cfg.Name, errors.Join(p.Err(), errEnded)))
		default:
		}
	}
	return errors.Join(errs...)
}

var errEnded = errors.New("it should run as long as the cluster")

// Stop stops all programs, the last started first, waits for each, and gives the ports back. The files stay.
func (c *ControlPlane) Stop() error {
	var errs []error
	if c.group != nil {
		errs = append(errs, c.group.Close())
	}
	for _, p := range []*ports.Port{c.etcd, c.peer, c.api} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}
