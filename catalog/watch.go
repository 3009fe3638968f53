package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// WatchClients are how [Watch] reads a cluster; client-go's fakes serve as well as the real ones.
type WatchClients struct {
	Kubernetes kubernetes.Interface
	Dynamic    dynamic.Interface
	Metadata   metadata.Interface
}

// NewWatchClients returns the clients of a cluster.
func NewWatchClients(config *rest.Config) (*WatchClients, error) {
	if config == nil {
		return nil, errors.New("catalog: watch: no rest.Config")
	}
	c := rest.CopyConfig(config)
	k, err := kubernetes.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("catalog: watch: %w", err)
	}
	d, err := dynamic.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("catalog: watch: %w", err)
	}
	m, err := metadata.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("catalog: watch: %w", err)
	}
	return &WatchClients{Kubernetes: k, Dynamic: d, Metadata: m}, nil
}

// WatchOptions say how [Watch] reports; nil means the defaults.
type WatchOptions struct {
	// Cluster is what is known of the cluster beforehand: region, issuer, resource ID. Its name is ignored.
	Cluster Cluster
	// Settle is how long changes are gathered before they are reported together: one second when zero, not at all when negative.
	Settle time.Duration
}

// Change is one object that bears on identities and came, changed in what is kept of it, or went.
type Change struct {
	Action ChangeAction
	// Kind, Namespace and Name of the object.
	Kind, Namespace, Name string
}

// ChangeAction says what happened to an object.
type ChangeAction string

// What happens to objects.
const (
	Added   ChangeAction = "added"
	Changed ChangeAction = "changed"
	Removed ChangeAction = "removed"
)

// Watch keeps the snapshot of a running cluster, so that a binding that someone adds during the migration is seen. It calls report once
// when everything was listed or refused, with no changes, and then whenever something that bears on identities changed, or the coverage
// did: one call at a time, from the goroutine of Watch, and never after it returned. The snapshot is report's to keep.
//
// It reads the same as [Live], by informers that keep only facts, and lists again where a watch is lost or expired (410). What cannot
// be read is a [Gap] for as long as it cannot. Kinds that are defined after Watch began are not seen, and the issuer is not read. Watch
// returns when ctx ends, with its error, and leaves no goroutine behind; any other error means that it never began.
func Watch(ctx context.Context, name string, clients *WatchClients, report func(*Snapshot, []Change), opts *WatchOptions) error {
	var o WatchOptions
	if opts != nil {
		o = *opts
	}
	if o.Settle == 0 {
		o.Settle = time.Second
	}
	if clients == nil || clients.Kubernetes == nil || clients.Dynamic == nil || clients.Metadata == nil || report == nil {
		return &ClusterError{Cluster: name, Err: errors.New("watch: all three clients and a report function are required")}
	}
	served, err := discover(ctx, discovery.ToDiscoveryInterfaceWithContext(clients.Kubernetes.Discovery()))
	if err != nil {
		return &ClusterError{Cluster: name, Err: err}
	}
	known := o.Cluster
	known.Name = name
	w := newWatch(known, served)
	stop := w.start(ctx, clients, plannedLists(served, false))
	defer stop()
	return w.run(ctx, report, o.Settle)
}

// watchRecheck is how often lists that failed are looked at again.
const watchRecheck = 10 * time.Second

// run reports until the context ends.
func (w *watch) run(ctx context.Context, report func(*Snapshot, []Change), settle time.Duration) error {
	recheck := time.NewTicker(watchRecheck)
	defer recheck.Stop()
	for {
		select {
		case <-ctx.Done():
			return &ClusterError{Cluster: w.known.Name, Err: ctx.Err()}
		case <-recheck.C:
			w.recheck()
			continue
		case <-w.notify:
		}
		if settle > 0 && pause.For(ctx, settle) != nil {
			continue
		}
		if snap, changes, ok := w.snapshot(); ok {
			report(snap, changes)
		}
	}
}
