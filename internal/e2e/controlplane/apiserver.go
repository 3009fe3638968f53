package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/internal/e2e/assets"
	"github.com/wimigrate/wimigrate/internal/e2e/process"
)

// startLimit bounds the wait for an API server; it is generous because test machines are slow, and a crash ends the wait at once.
const startLimit = 3 * time.Minute

// apiServerGrace is short: an API server with open watches drains them for longer than anyone here wants to wait, and loses nothing.
const apiServerGrace = 300 * time.Millisecond

func (c *ControlPlane) runAPIServer(ctx context.Context) error {
	p, err := c.group.Start(process.Spec{Name: string(assets.APIServer), Path: c.cfg.Programs[assets.APIServer],
		Args: c.apiServerArgs(), Env: thrifty(), Grace: apiServerGrace})
	if err != nil {
		return err
	}
	c.apiServer = p
	return c.await(ctx, "/readyz")
}

// await polls a path of the API server until it answers 200, the server ends, or the limit passes.
func (c *ControlPlane) await(ctx context.Context, path string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("%s did not answer 200 within %s", path, startLimit))
	defer cancel()
	client, err := rest.HTTPClientFor(c.rest)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.rest.Host+path, nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-t.C:
		case <-c.apiServer.Done():
			return errors.Join(errEnded, c.apiServer.Err())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// publishIssuer lets anyone read the discovery document and the keys, which AKS publishes too.
func (c *ControlPlane) publishIssuer(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(c.rest)
	if err != nil {
		return err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "public-service-account-issuer"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:service-account-issuer-discovery"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "system:unauthenticated"}},
	}
	_, err = client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return nil
}

// RestartAPIServer stops the API server and starts it on the same address: every watch breaks, as in an upgrade of the control plane.
func (c *ControlPlane) RestartAPIServer(ctx context.Context) error {
	if err := c.apiServer.Stop(); err != nil {
		return err
	}
	if err := c.runAPIServer(ctx); err != nil {
		return fmt.Errorf("controlplane: %s: restart the API server: %w", c.cfg.Name, err)
	}
	return nil
}

// RotateSigningKey makes the API server sign with a new key. With keepOld the old keys stay published and accepted, as in the 24 hours
// after `az aks oidc-issuer rotate-signing-keys`; without, tokens signed before are dead.
func (c *ControlPlane) RotateSigningKey(ctx context.Context, keepOld bool) error {
	if err := c.addSigningKey(); err != nil {
		return fmt.Errorf("controlplane: %s: %w", c.cfg.Name, err)
	}
	if !keepOld {
		c.keys = slices.Clip(c.keys[:1])
	}
	return c.RestartAPIServer(ctx)
}
