package cutovertest

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
)

// Clusters wraps clusters.
func (f *Faults) Clusters(all map[string]cutover.Cluster) map[string]cutover.Cluster {
	return wrap(all, func(name string, inner cutover.Cluster) cutover.Cluster {
		return &faultyCluster{Cluster: inner, name: name, faults: f, seen: map[cutover.Ref]*unstructured.Unstructured{}}
	})
}

type faultyCluster struct {
	cutover.Cluster
	name   string
	faults *Faults

	mu   sync.Mutex
	seen map[cutover.Ref]*unstructured.Unstructured // what a Get last answered
}

var (
	readFaults  = []Fault{FaultCut, FaultHang, FaultBusy, FaultBusyBare, FaultBroken, FaultUnavailable}
	writeFaults = append([]Fault{FaultReplyLost, FaultReplyLost, FaultConflict, FaultConflict}, readFaults...)
	getFaults   = append([]Fault{FaultStale, FaultStale}, readFaults...)
)

// Get implements cutover.Reader. A stale answer is what an earlier Get gave.
func (c *faultyCluster) Get(ctx context.Context, ref cutover.Ref) (*unstructured.Unstructured, error) {
	kind, rng := c.faults.next("get "+c.name+ref.Namespace+ref.String(), getFaults...)
	if old := c.last(ref, nil); kind == FaultStale && old != nil {
		return old, nil
	}
	var out *unstructured.Unstructured
	err := kind.call(ctx, rng, func() error {
		o, err := c.Cluster.Get(ctx, ref)
		out = o
		return err
	})
	if err == nil {
		c.last(ref, out)
	}
	return out, err
}

// last remembers what a Get answered, where now is not nil, and returns what the one before did.
func (c *faultyCluster) last(ref cutover.Ref, now *unstructured.Unstructured) *unstructured.Unstructured {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.seen[ref]
	if now != nil {
		c.seen[ref] = now.DeepCopy()
	}
	if old == nil {
		return nil
	}
	return old.DeepCopy()
}

// List implements cutover.Reader.
func (c *faultyCluster) List(ctx context.Context, sel cutover.Selection) ([]*unstructured.Unstructured, error) {
	kind, rng := c.faults.next("list "+c.name+sel.Namespace+sel.Kind, readFaults...)
	var out []*unstructured.Unstructured
	err := kind.call(ctx, rng, func() error {
		o, err := c.Cluster.List(ctx, sel)
		out = o
		return err
	})
	return out, err
}

// Write implements cutover.Cluster.
func (c *faultyCluster) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	kind, rng := c.faults.next("write "+c.name+string(w.Verb)+w.Ref.Namespace+w.Ref.String(), writeFaults...)
	var out *unstructured.Unstructured
	err := kind.call(ctx, rng, func() error {
		o, err := c.Cluster.Write(ctx, w)
		out = o
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DryRun implements cutover.Reader.
func (c *faultyCluster) DryRun(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	kind, rng := c.faults.next("dry run "+c.name+w.Ref.Namespace+w.Ref.String(), readFaults...)
	var out *unstructured.Unstructured
	err := kind.call(ctx, rng, func() error {
		o, err := c.Cluster.DryRun(ctx, w)
		out = o
		return err
	})
	return out, err
}

// Token implements cutover.Reader.
func (c *faultyCluster) Token(ctx context.Context, r cutover.TokenRequest) (string, error) {
	kind, rng := c.faults.next("token "+c.name+r.Namespace+r.ServiceAccount, readFaults...)
	var out string
	err := kind.call(ctx, rng, func() error {
		s, err := c.Cluster.Token(ctx, r)
		out = s
		return err
	})
	return out, err
}

// Watch implements cutover.Reader: one that is cut off goes on after a gap, or ends with an error.
func (c *faultyCluster) Watch(ctx context.Context, sels []cutover.Selection, fn func(cutover.WatchEvent) bool) error {
	call := "watch " + c.name + fmt.Sprint(sels)
	for {
		kind, rng := c.faults.next(call, FaultGap, FaultGap, FaultWatchEnds)
		if kind == "" {
			return c.Cluster.Watch(ctx, sels, fn)
		}
		life := time.Duration(rng.Int64N(int64(10 * time.Minute)))
		if rng.IntN(4) == 0 {
			life = time.Second // a server that closes every watch at once
		}
		cut, cancel := context.WithTimeout(ctx, life)
		err := c.Cluster.Watch(cut, sels, fn)
		cancel()
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case kind == FaultWatchEnds:
			return fmt.Errorf("the API server cannot be reached: %w", io.ErrUnexpectedEOF)
		case !fn(cutover.WatchEvent{Type: cutover.Gap}):
			return nil
		}
	}
}
