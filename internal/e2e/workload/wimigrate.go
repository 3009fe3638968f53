package workload

import (
	"context"
	"fmt"

	"github.com/wimigrate/wimigrate/credential"
)

// newWimigrate builds this project's credential as its documentation tells applications to: readiness first, then requests.
func newWimigrate(cfg Config) (*source, error) {
	c, err := credential.New(&credential.Options{ClientID: cfg.ClientID, DialIMDS: dialMetadata(cfg), DisableInstanceDiscovery: true})
	if err != nil {
		return nil, fmt.Errorf("workload: %w", err)
	}
	return &source{
		credential: c,
		ready:      func(ctx context.Context, scopes []string) error { return c.Ready(ctx, scopes...) },
		path:       func() string { return string(c.Status().Path) },
		status:     c.StatusHandler(),
	}, nil
}
