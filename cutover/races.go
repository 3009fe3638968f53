package cutover

import (
	"context"
	"iter"
	"time"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// conflicts is how often an edit may lose a race, in half a minute, before a person must look who else is writing.
const conflicts = 10

// firstYield is the first pause after lost races. It doubles each time, so that a busy writer, or a cache that lags by seconds, is outlasted.
const firstYield = 100 * time.Millisecond

// races are the attempts at one edit: the second at once, as most races are lost to one write, the others after growing pauses. When the
// context ends, the next attempt is for its caller to see that.
func races(ctx context.Context) iter.Seq[int] {
	return func(yield func(int) bool) {
		wait := firstYield
		for n := range conflicts {
			if n > 1 {
				_ = pause.For(ctx, wait) //nolint:errcheck // the attempt begins with a look at the context
				wait *= 2
			}
			if !yield(n) {
				return
			}
		}
	}
}
