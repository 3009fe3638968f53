package fleet

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// awaitLimit is far beyond what anything here takes on a slow machine: a wait that reaches it is a defect, not bad luck.
const awaitLimit = 4 * time.Minute

func contextWithLimit(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(t.Context(), awaitLimit, fmt.Errorf("not within %s", awaitLimit))
}

func ignoreContext(done func() (bool, error)) func(context.Context) (bool, error) {
	return func(context.Context) (bool, error) { return done() }
}
