package workload

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/wimigrate/wimigrate/credential"
)

// newWimigrate builds this project's credential as its documentation tells applications to: readiness first, then requests.
func newWimigrate(cfg Config) (*source, error) {
	options := &credential.Options{ClientID: cfg.ClientID, DialIMDS: dialMetadata(cfg), DisableInstanceDiscovery: true}
	if value := os.Getenv(EnvFallback); value != "" {
		d, err := time.ParseDuration(value)
		if err != nil {
			return nil, fmt.Errorf("workload: %s: %w", EnvFallback, err)
		}
		options.Fallback = &credential.Fallback{Until: time.Now().Add(d)}
	}
	c, err := credential.New(options)
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
