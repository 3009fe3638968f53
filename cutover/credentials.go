package cutover

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// CredentialsError says that a cluster does not accept the runner's credentials any more: an operator's token has expired. That is no word
// against any unit: those of the cluster are held (HoldUnreachable), and go on when somebody has logged in and runs again.
type CredentialsError struct {
	Cluster string
	Err     error
}

// Error names the cluster, and says what to do.
func (e *CredentialsError) Error() string {
	return "cluster " + e.Cluster + " does not accept the credentials any more: log in to it, and run again: " + e.Err.Error()
}

// Unwrap returns the API server's answer.
func (e *CredentialsError) Unwrap() error { return e.Err }

// loggedIn is a cluster whose refusals of credentials say so.
type loggedIn struct {
	Cluster
	name string
}

func allLoggedIn(clusters map[string]Cluster) map[string]Cluster {
	out := make(map[string]Cluster, len(clusters))
	for name, c := range clusters {
		if c == nil {
			continue
		}
		out[name] = loggedIn{c, name}
	}
	return out
}

func (c loggedIn) explain(err error) error {
	if !apierrors.IsUnauthorized(err) {
		return err
	}
	return &CredentialsError{Cluster: c.name, Err: err}
}

// Get implements Reader.
func (c loggedIn) Get(ctx context.Context, ref Ref) (*unstructured.Unstructured, error) {
	o, err := c.Cluster.Get(ctx, ref)
	return o, c.explain(err)
}

// List implements Reader.
func (c loggedIn) List(ctx context.Context, sel Selection) ([]*unstructured.Unstructured, error) {
	objs, err := c.Cluster.List(ctx, sel)
	return objs, c.explain(err)
}

// Watch implements Reader.
func (c loggedIn) Watch(ctx context.Context, sels []Selection, fn func(WatchEvent) bool) error {
	return c.explain(c.Cluster.Watch(ctx, sels, fn))
}

// DryRun implements Reader.
func (c loggedIn) DryRun(ctx context.Context, w Write) (*unstructured.Unstructured, error) {
	o, err := c.Cluster.DryRun(ctx, w)
	return o, c.explain(err)
}

// Token implements Reader.
func (c loggedIn) Token(ctx context.Context, r TokenRequest) (string, error) {
	token, err := c.Cluster.Token(ctx, r)
	return token, c.explain(err)
}

// Write implements Cluster.
func (c loggedIn) Write(ctx context.Context, w Write) (*unstructured.Unstructured, error) {
	o, err := c.Cluster.Write(ctx, w)
	return o, c.explain(err)
}

// heldLoggedOut turns a refusal of credentials into the state that it means; any other error stays.
func heldLoggedOut(err error) error {
	if out, ok := errors.AsType[*CredentialsError](err); ok {
		return &stop{state: Held, hold: HoldUnreachable, reason: out.Error(), cause: out}
	}
	return err
}
