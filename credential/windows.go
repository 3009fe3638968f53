package credential

import (
	"sync"
	"time"
)

// windows knows how long failures are retried: a long start-up window, measured from
// the first failure of any scope, until something succeeds or it closes; then a
// short one for every request.
type windows struct {
	startup, steady time.Duration

	mu        sync.Mutex
	opened    time.Time
	succeeded bool
}

// open returns when the window of a flight that fails for the first time now closes.
func (w *windows) open(now time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opened.IsZero() {
		w.opened = now
	}
	steady := now.Add(w.steady)
	if startup := w.opened.Add(w.startup); !w.succeeded && startup.After(steady) {
		return startup
	}
	return steady
}

func (w *windows) success() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.succeeded = true
}

// reset starts over, for the path that a fallback turns to.
func (w *windows) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened, w.succeeded = time.Time{}, false
}

// startupWindow returns when the start-up window opened and closes, and whether it counts now.
func (w *windows) startupWindow(now time.Time) (opened, closes time.Time, open bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opened.IsZero() {
		return time.Time{}, time.Time{}, false
	}
	closes = w.opened.Add(w.startup)
	return w.opened, closes, !w.succeeded && now.Before(closes)
}

// longest is the most time a flight may take beyond its first failure.
func (w *windows) longest() time.Duration { return max(w.startup, w.steady) }
