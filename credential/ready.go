package credential

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/sync/errgroup"
)

// readyPause is the pause between two windows of a patient wait.
const readyPause = time.Second

// readyRequest asks as Azure's clients ask, with CAE, so that they find the token.
func readyRequest(scope string) policy.TokenRequestOptions {
	return policy.TokenRequestOptions{Scopes: []string{scope}, EnableCAE: true}
}

// Ready waits until there is a token for each scope, as long as ctx permits: this is
// where the patience of a start belongs. Call it before the first request is served,
// and let the readiness probe say no until then. It returns at once on an error that
// waiting cannot heal. All scopes are asked for in parallel; the error joins those of
// the scopes that have no token.
func (c *Credential) Ready(ctx context.Context, scopes ...string) error {
	if len(scopes) == 0 {
		return &ConfigError{Setting: "scopes", Problem: "ready for what?", Remedy: "name the scopes the program will ask for"}
	}
	errs := make([]error, len(scopes))
	var group errgroup.Group
	for i, scope := range scopes {
		group.Go(func() error {
			errs[i] = c.readyFor(ctx, scope)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return errors.Join(errs...)
}

func (c *Credential) readyFor(ctx context.Context, scope string) error {
	for {
		_, err := c.GetToken(ctx, readyRequest(scope))
		var failed *TokenError
		if err == nil || ctx.Err() != nil || !errors.As(err, &failed) || failed.Permanent {
			return err
		}
		pause := time.NewTimer(readyPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return errors.Join(ctx.Err(), err)
		}
	}
}

// readiness is the answer of a ReadyHandler.
type readiness struct {
	Ready   bool     `json:"ready"`
	Missing []string `json:"missing,omitempty"`
	Status  Status   `json:"status"`
}

// ReadyHandler serves a readiness probe: 200 once there is a usable token for each
// scope, else 503 with the Status. It never waits; a token that is missing is asked
// for in the background, so that probing a new pod is enough to get it ready.
// Without scopes nothing is ever ready.
func (c *Credential) ReadyHandler(scopes ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var missing []string
		for _, scope := range scopes {
			if !c.usable(r.Context(), scope) {
				missing = append(missing, scope)
			}
		}
		ready, code := len(missing) == 0 && len(scopes) > 0, http.StatusOK
		if !ready {
			code = http.StatusServiceUnavailable
		}
		writeJSON(w, code, readiness{Ready: ready, Missing: missing, Status: c.Status()})
	})
}

// usable reports whether there is a token for scope, and asks for it if it is due.
func (c *Credential) usable(ctx context.Context, scope string) bool {
	o := readyRequest(scope)
	if c.settings.checkRequest(o) != nil {
		return false
	}
	if c.metadata {
		o.EnableCAE = false
	}
	e := c.cache.add(o)
	s, judged := e.state.Load(), expired
	if s != nil {
		judged = s.judge(time.Now(), c.clock())
	}
	switch judged {
	case expired:
		c.join(ctx, e, o)
	case closing, due:
		c.refresh(ctx, e, o)
	case fresh:
	}
	return judged != expired
}
