package cutover

import (
	"context"
	"sync"
)

// loadFeed is what a watch sees, handed over to a loop that has other things to do as well.
type loadFeed struct {
	wake chan struct{}
	done chan struct{}

	mu     sync.Mutex
	events []WatchEvent
	err    error
}

// follow starts a watch. It ends with ctx; the caller waits for done.
func follow(ctx context.Context, r Reader, sels []Selection) *loadFeed {
	f := &loadFeed{wake: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(f.done)
		err := r.Watch(ctx, sels, func(e WatchEvent) bool {
			f.put(e)
			return true
		})
		f.mu.Lock()
		f.err = err
		f.mu.Unlock()
		f.ring()
	}()
	return f
}

func (f *loadFeed) put(e WatchEvent) {
	f.mu.Lock()
	f.events = append(f.events, e)
	f.mu.Unlock()
	f.ring()
}

func (f *loadFeed) ring() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// take returns what came since the last time, and the error that ended the watch.
func (f *loadFeed) take() ([]WatchEvent, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	events := f.events
	f.events = nil
	return events, f.err
}
