package cutovertest

import (
	"context"
	"errors"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
)

// ErrCrashed is what everything answers after a [Crash].
var ErrCrashed = errors.New("cutovertest: the process is dead")

// Crash kills a process at a chosen write, as SIGKILL would: the n-th write of the journals and clusters it wraps is the last thing that
// happens, or just does not happen any more. Every later call fails with ErrCrashed, and the context of the process ends.
type Crash struct {
	mu     sync.Mutex
	at     int
	before bool
	seen   int
	dead   bool
	kill   context.CancelFunc
}

// NewCrash returns a crash at the n-th write, counted from 1: before it is made, or after. At 0 there is no crash, and Writes counts.
func NewCrash(n int, before bool) *Crash { return &Crash{at: n, before: before} }

// Context returns the context that the process runs in.
func (c *Crash) Context(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kill = cancel
	return ctx
}

// Writes says how many writes there were, and whether the crash has happened.
func (c *Crash) Writes() (n int, crashed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen, c.dead
}

// write makes one write, unless the process is dead. Writes of several units are under way at a time: one that hangs keeps no other waiting,
// and whoever has one under way when the process dies does not hear how it went.
func (c *Crash) write(do func() error) error {
	happens, last := c.count()
	var err error
	if happens {
		err = do()
	}
	if last {
		c.end()
	}
	if dead := c.read(); dead != nil {
		return dead
	}
	return err
}

// count counts a write that begins: whether it is made at all, and whether it is the last. From then on none begins.
func (c *Crash) count() (happens, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return false, false
	}
	c.seen++
	c.dead = c.seen == c.at
	return !c.dead || !c.before, c.dead
}

// end ends the context of the process.
func (c *Crash) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kill != nil {
		c.kill()
	}
}

func (c *Crash) read() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return ErrCrashed
	}
	return nil
}

// Journal wraps a journal.
func (c *Crash) Journal(j cutover.Journal) cutover.Journal { return crashJournal{c, j} }

type crashJournal struct {
	crash *Crash
	inner cutover.Journal
}

func (j crashJournal) Load(ctx context.Context, k cutover.Key) (*cutover.Record, error) {
	if err := j.crash.read(); err != nil {
		return nil, err
	}
	return j.inner.Load(ctx, k)
}

func (j crashJournal) Save(ctx context.Context, r *cutover.Record) error {
	return j.crash.write(func() error { return j.inner.Save(ctx, r) })
}

func (j crashJournal) List(ctx context.Context) ([]*cutover.Record, error) {
	if err := j.crash.read(); err != nil {
		return nil, err
	}
	return j.inner.List(ctx)
}

// Clusters wraps clusters.
func (c *Crash) Clusters(all map[string]cutover.Cluster) map[string]cutover.Cluster {
	return wrap(all, func(_ string, inner cutover.Cluster) cutover.Cluster { return crashCluster{inner, c} })
}

// wrap puts something around every cluster.
func wrap(all map[string]cutover.Cluster, one func(name string, inner cutover.Cluster) cutover.Cluster) map[string]cutover.Cluster {
	out := make(map[string]cutover.Cluster, len(all))
	for name, inner := range all {
		out[name] = one(name, inner)
	}
	return out
}

type crashCluster struct {
	cutover.Cluster
	crash *Crash
}

func (c crashCluster) Get(ctx context.Context, ref cutover.Ref) (*unstructured.Unstructured, error) {
	if err := c.crash.read(); err != nil {
		return nil, err
	}
	return c.Cluster.Get(ctx, ref)
}

func (c crashCluster) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	var out *unstructured.Unstructured
	err := c.crash.write(func() error {
		o, err := c.Cluster.Write(ctx, w)
		out = o
		return err
	})
	return out, err
}
