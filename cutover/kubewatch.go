package cutover

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apiwatch "k8s.io/apimachinery/pkg/watch"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// Watch implements Reader. Each selection is listed and then watched from there, with bookmarks, by one goroutine that ends before
// Watch returns.
func (k *kube) Watch(ctx context.Context, sels []Selection, fn func(WatchEvent) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	streams := make([]*stream, len(sels))
	events := make(chan streamEvent)
	var wg sync.WaitGroup
	for i, sel := range sels {
		s := &stream{kube: k, sel: sel, index: i, out: events}
		streams[i] = s
		wg.Go(func() { s.run(ctx) })
	}
	defer wg.Wait()
	defer cancel()
	return deliver(ctx, events, len(streams), fn)
}

// deliver hands events on, one at a time. Synced comes when every stream has listed; a gap in one is a gap in all, so all that the
// caller knows of the others is told again. That holds while another stream lists again too: what was told of this one may be gone.
func deliver(ctx context.Context, events <-chan streamEvent, streams int, fn func(WatchEvent) bool) error {
	synced := make([]bool, streams)
	known := make([]map[string]*unstructured.Unstructured, streams)
	for {
		var e streamEvent
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e = <-events:
		}
		if e.err != nil {
			return e.err
		}
		switch e.Type {
		case Gap:
			synced[e.stream], known[e.stream] = false, nil
			if !fn(WatchEvent{Type: Gap}) || !retell(known, fn) {
				return nil
			}
			continue
		case Synced:
			synced[e.stream] = true
			if !allTrue(synced) {
				continue
			}
		case Present, Gone:
			if known[e.stream] == nil {
				known[e.stream] = map[string]*unstructured.Unstructured{}
			}
			if e.Type == Gone {
				delete(known[e.stream], objectKey(e.Object))
			} else {
				known[e.stream][objectKey(e.Object)] = e.Object
			}
		}
		if !fn(e.WatchEvent) {
			return nil
		}
	}
}

func retell(known []map[string]*unstructured.Unstructured, fn func(WatchEvent) bool) bool {
	for _, m := range known {
		for _, o := range sortedObjects(m) {
			if !fn(WatchEvent{Type: Present, Object: o.DeepCopy()}) {
				return false
			}
		}
	}
	return true
}

func allTrue(b []bool) bool {
	for _, x := range b {
		if !x {
			return false
		}
	}
	return true
}

// streamEvent is an event of one stream, or why it ended.
type streamEvent struct {
	WatchEvent
	stream int
	err    error
}

// stream lists and watches one selection.
type stream struct {
	kube  *kube
	sel   Selection
	index int
	out   chan<- streamEvent
	from  string
}

func (s *stream) send(ctx context.Context, e streamEvent) bool {
	e.stream = s.index
	select {
	case s.out <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

// run lists and watches until ctx ends. A server whose watches expire as soon as they begin is asked more and more slowly.
func (s *stream) run(ctx context.Context) {
	again := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(firstDelay), backoff.WithMaxInterval(longestDelay), backoff.WithRandomizationFactor(0), backoff.WithMaxElapsedTime(0),
	)
	for first := true; ctx.Err() == nil; first = false {
		if !first && (!s.send(ctx, streamEvent{WatchEvent: WatchEvent{Type: Gap}}) || pause.For(ctx, again.NextBackOff()) != nil) {
			return
		}
		if err := repeat(ctx, func() error { return s.relist(ctx) }); err != nil {
			s.send(ctx, streamEvent{err: err})
			return
		}
		if !s.send(ctx, streamEvent{WatchEvent: WatchEvent{Type: Synced}}) {
			return
		}
		begun := time.Now()
		if err := s.follow(ctx); err != nil {
			s.send(ctx, streamEvent{err: err})
			return
		}
		if time.Since(begun) > longestDelay {
			again.Reset()
		}
	}
}

func (s *stream) relist(ctx context.Context) error {
	objs, version, err := s.kube.list(ctx, s.sel)
	if err != nil {
		return err
	}
	s.from = version
	for _, o := range objs {
		if !s.send(ctx, streamEvent{WatchEvent: WatchEvent{Type: Present, Object: o}}) {
			return ctx.Err()
		}
	}
	return nil
}

// follow watches until the version it has to go on from is too old (then it returns nil, and the caller lists again).
func (s *stream) follow(ctx context.Context) error {
	r, err := s.kube.resource(ctx, s.sel.APIVersion, s.sel.Kind, s.sel.Namespace)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		opts := listOptions(s.sel)
		opts.ResourceVersion, opts.AllowWatchBookmarks = s.from, true
		var w apiwatch.Interface
		err := repeat(ctx, func() error {
			var err error
			w, err = r.Watch(ctx, opts)
			return err
		})
		if apierrors.IsGone(err) || apierrors.IsResourceExpired(err) {
			return nil
		}
		if err != nil {
			return err
		}
		begun := time.Now()
		expired := s.drain(ctx, w)
		w.Stop()
		if expired {
			return nil
		}
		// A server that closes every watch at once must not be asked in a tight circle.
		if time.Since(begun) < time.Second {
			if err := pause.For(ctx, time.Second); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// drain sends the events of one connection on; true when the watch has expired.
func (s *stream) drain(ctx context.Context, w apiwatch.Interface) bool {
	for {
		var e apiwatch.Event
		var ok bool
		select {
		case <-ctx.Done():
			return false
		case e, ok = <-w.ResultChan():
		}
		if !ok {
			return false
		}
		o, isObject := e.Object.(*unstructured.Unstructured)
		switch e.Type {
		case apiwatch.Error:
			return true
		case apiwatch.Bookmark:
			if isObject {
				s.goOnFrom(o)
			}
			continue
		case apiwatch.Added, apiwatch.Modified, apiwatch.Deleted:
		}
		if !isObject {
			continue
		}
		s.goOnFrom(o)
		t := Present
		if e.Type == apiwatch.Deleted {
			t = Gone
		}
		if !s.send(ctx, streamEvent{WatchEvent: WatchEvent{Type: t, Object: o}}) {
			return false
		}
	}
}

// goOnFrom notes how far the watch has come. An empty version would begin it anew somewhere, past what is deleted until then.
func (s *stream) goOnFrom(o *unstructured.Unstructured) {
	if v := o.GetResourceVersion(); v != "" {
		s.from = v
	}
}
