package assets

import (
	"context"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// lock takes the file lock that concurrent builders share. The kernel frees it when its holder dies, so a stale one cannot exist.
func lock(ctx context.Context, path string, progress io.Writer) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("assets: lock the cache: %w", err)
	}
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for tries := 0; ; tries++ {
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			return func() { _ = f.Close() }, nil
		}
		if tries == 20 { // whoever only looks at what is there is faster
			fmt.Fprintln(progress, "waiting for another build of these programs")
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("assets: wait for another build: %w", ctx.Err())
		case <-t.C:
		}
	}
}
