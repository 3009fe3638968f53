package catalog

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// ScanOptions say how [Scan] and [ReadAll] read; nil means the defaults.
type ScanOptions struct {
	// Concurrency is how many clusters are read at once; zero means 8, negative means all.
	Concurrency int
	// OnProgress is told when the read of a cluster begins and ends: one call at a time, from the goroutines of the scan, and never
	// after it returned. It must return quickly.
	OnProgress func(Progress)
	// Reconcile are the options of [Reconcile], which [Scan] calls; nil means its defaults.
	Reconcile *Options
}

// Progress is one step of a scan.
type Progress struct {
	Cluster string
	// Done is false when the read of the cluster begins.
	Done bool
	// Coverage is what the read reached; Err says that the source was unusable.
	Coverage Coverage
	Err      error
	// Finished of Total clusters are read.
	Finished, Total int
}

// ReadAll reads all sources, several at once, and returns a snapshot for each, in their order. It never stops at a cluster that fails:
// the error joins a [*ClusterError] for each such cluster, and its snapshot says what is missing. When ctx ends, the clusters that were
// not read are there with a gap, and the error tells so. It does not mind two
// sources of one name; [Reconcile] does.
func ReadAll(ctx context.Context, sources []Source, opts *ScanOptions) ([]*Snapshot, error) {
	var o ScanOptions
	if opts != nil {
		o = *opts
	}
	r := &reading{opts: o, snapshots: make([]*Snapshot, len(sources)), errs: make([]error, len(sources))}
	var group errgroup.Group
	switch {
	case o.Concurrency == 0:
		group.SetLimit(8)
	case o.Concurrency > 0:
		group.SetLimit(o.Concurrency)
	}
	for i, s := range sources {
		group.Go(func() error {
			r.read(ctx, i, s)
			return nil
		})
	}
	_ = group.Wait() // read returns no errors; they are in errs
	return r.snapshots, errors.Join(r.errs...)
}

// reading is one run of ReadAll.
type reading struct {
	opts      ScanOptions
	snapshots []*Snapshot
	errs      []error

	mu       sync.Mutex // guards finished and the order of progress
	finished int
}

func (r *reading) read(ctx context.Context, i int, s Source) {
	name := s.ClusterName()
	r.progress(Progress{Cluster: name})
	snap, err := readOne(ctx, s)
	if _, typed := errors.AsType[*ClusterError](err); err != nil && !typed {
		err = &ClusterError{Cluster: name, Err: err}
	}
	r.snapshots[i], r.errs[i] = snap, err
	r.progress(Progress{Cluster: name, Done: true, Coverage: snap.Cluster.Coverage, Err: err})
}

// readOne reads one source, and holds it to its contract: a snapshot in every case, never complete beside an error.
func readOne(ctx context.Context, s Source) (*Snapshot, error) {
	if err := ctx.Err(); err != nil {
		return nothingRead(s.ClusterName(), "the scan was stopped before this cluster: "+err.Error()), err
	}
	snap, err := s.Read(ctx)
	if snap == nil {
		snap = nothingRead(s.ClusterName(), "the source returned nothing")
		if err == nil {
			err = errors.New("the source returned neither a snapshot nor an error")
		}
	}
	if err != nil && snap.Cluster.Coverage.Complete {
		snap.Cluster.Coverage = Coverage{Gaps: []Gap{{Resource: "cluster", Reason: err.Error()}}}
	}
	return snap, err
}

// nothingRead is the snapshot of a cluster of which nothing was read.
func nothingRead(name, reason string) *Snapshot {
	return &Snapshot{Cluster: Cluster{Name: name, Coverage: Coverage{Gaps: []Gap{{Resource: "cluster", Reason: reason}}}}}
}

func (r *reading) progress(p Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.Done {
		r.finished++
	}
	if r.opts.OnProgress != nil {
		p.Coverage.Gaps = slices.Clone(p.Coverage.Gaps)
		p.Finished, p.Total = r.finished, len(r.snapshots)
		r.opts.OnProgress(p)
	}
}

// Scan reads all sources as [ReadAll] does, and joins what it read as [Reconcile] does. The catalog is never nil and holds what could be
// read; the error joins a [*ClusterError] for each cluster that could not be read or told apart.
func Scan(ctx context.Context, sources []Source, opts *ScanOptions) (*Catalog, error) {
	var reconcile *Options
	if opts != nil {
		reconcile = opts.Reconcile
	}
	snaps, err := ReadAll(ctx, sources, opts)
	cat, unclear := Reconcile(snaps, reconcile)
	return cat, errors.Join(err, unclear)
}
