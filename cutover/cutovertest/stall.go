package cutovertest

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
)

// Stall stops a process right before a chosen write, as SIGSTOP or a long collection of garbage would, and lets it go on later with all
// that it believed before. It is safe for concurrent use.
type Stall struct {
	at  int
	nap time.Duration

	mu    sync.Mutex
	seen  int
	began chan struct{}
}

// NewStall returns a stall before the n-th write of the journals and clusters that it wraps, counted from 1.
func NewStall(n int, nap time.Duration) *Stall {
	return &Stall{at: n, nap: nap, began: make(chan struct{})}
}

// Began is closed when the process stops.
func (s *Stall) Began() <-chan struct{} { return s.began }

// Writes says how many writes there were.
func (s *Stall) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// write sleeps where it is time to. It does not listen to a context: who sleeps hears nothing.
func (s *Stall) write() {
	s.mu.Lock()
	s.seen++
	now := s.seen == s.at
	s.mu.Unlock()
	if now {
		close(s.began)
		<-time.After(s.nap)
	}
}

// Journal wraps a journal.
func (s *Stall) Journal(j cutover.Journal) cutover.Journal { return stallJournal{j, s} }

type stallJournal struct {
	cutover.Journal
	stall *Stall
}

func (j stallJournal) Save(ctx context.Context, r *cutover.Record) error {
	j.stall.write()
	return j.Journal.Save(ctx, r)
}

// Clusters wraps clusters.
func (s *Stall) Clusters(all map[string]cutover.Cluster) map[string]cutover.Cluster {
	return wrap(all, func(_ string, inner cutover.Cluster) cutover.Cluster { return stallCluster{inner, s} })
}

type stallCluster struct {
	cutover.Cluster
	stall *Stall
}

func (c stallCluster) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	c.stall.write()
	return c.Cluster.Write(context.WithoutCancel(ctx), w) // it had been sent; nobody can call it back
}
