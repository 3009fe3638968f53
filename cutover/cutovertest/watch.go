package cutovertest

import (
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/wimigrate/wimigrate/cutover"
)

// watcher is one running Watch.
type watcher struct {
	sels    []cutover.Selection
	pending []cutover.WatchEvent
	wake    chan struct{}
}

// tell queues a change for the watches that want it.
func (c *Cluster) tell(t cutover.WatchType, o *object) {
	for _, w := range c.watchers {
		if slices.ContainsFunc(w.sels, func(s cutover.Selection) bool { return matches(s, o) }) {
			w.pending = append(w.pending, cutover.WatchEvent{Type: t, Object: o.public()})
			select {
			case w.wake <- struct{}{}:
			default:
			}
		}
	}
}

// Watch implements cutover.Reader. One of the fleet's watches drives time: it sleeps until the next event and lets it happen.
func (c *Cluster) Watch(ctx context.Context, sels []cutover.Selection, fn func(cutover.WatchEvent) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.begin()
	w := &watcher{sels: sels, wake: make(chan struct{}, 1)}
	for _, sel := range sels {
		for _, o := range c.selected(sel) {
			w.pending = append(w.pending, cutover.WatchEvent{Type: cutover.Present, Object: o.public()})
		}
	}
	w.pending = append(w.pending, cutover.WatchEvent{Type: cutover.Synced})
	c.watchers = append(c.watchers, w)
	c.fleet.mu.Unlock()
	d := driver{fleet: c.fleet}
	defer func() {
		c.fleet.mu.Lock()
		defer c.fleet.mu.Unlock()
		c.watchers = slices.DeleteFunc(c.watchers, func(x *watcher) bool { return x == w })
		d.release()
	}()
	for {
		events, next, freed := c.pendingOf(w, &d)
		for _, e := range events {
			if !fn(e) {
				return nil
			}
		}
		if len(events) > 0 {
			continue
		}
		if err := d.wait(ctx, w, next, freed); err != nil {
			return err
		}
	}
}

// pendingOf lets everything happen that is due, and takes what the watch has to hear.
func (c *Cluster) pendingOf(w *watcher, d *driver) ([]cutover.WatchEvent, time.Time, chan struct{}) {
	f := c.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	f.catchUp()
	events := w.pending
	w.pending = nil
	if len(events) > 0 {
		return events, time.Time{}, nil
	}
	d.take()
	next := f.now.Add(time.Hour)
	if f.queue.Len() > 0 {
		next = f.queue.events[0].at
	}
	if d.driving {
		f.driven = next
	}
	return nil, next, f.freed
}

// driver is a watch that may be the one that drives time.
type driver struct {
	fleet   *Fleet
	driving bool
}

func (d *driver) take() {
	if !d.driving && !d.fleet.driving {
		d.driving, d.fleet.driving = true, true
	}
}

// release lets another watch drive. The caller holds the lock.
func (d *driver) release() {
	if d.driving {
		d.fleet.driving = false
		close(d.fleet.freed)
		d.fleet.freed = make(chan struct{})
	}
}

// wait sleeps until there may be something new.
func (d *driver) wait(ctx context.Context, w *watcher, next time.Time, freed chan struct{}) error {
	if !d.driving {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.wake:
		case <-freed:
		}
		return nil
	}
	t := time.NewTimer(time.Until(next))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-w.wake:
	case <-d.fleet.nudge:
	case <-t.C:
	}
	return nil
}

func deepCopy(m map[string]any) map[string]any { return runtime.DeepCopyJSON(m) }
