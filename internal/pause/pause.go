// Package pause waits in the one way in which this module waits: for a time, or until the context ends.
package pause

import (
	"context"
	"time"
)

// For waits for d, and returns nil, or ctx's error if that ended first. Where d is not positive it does not wait.
func For(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
