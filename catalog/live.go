package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// LiveOptions say how [Live] reads; nil means the defaults.
type LiveOptions struct {
	// Cluster is what is known of the cluster beforehand: region, issuer, resource ID. Its name is ignored. An issuer that the
	// cluster itself publishes wins.
	Cluster Cluster
	// Timeout bounds the whole read of the cluster: 2 minutes when zero, none when negative.
	Timeout time.Duration
	// Concurrency is how many lists are in flight: 5 when zero, which AKS's Free tier stands
	// (https://learn.microsoft.com/azure/aks/quotas-skus-regions), one when negative.
	Concurrency int
	// QPS and Burst bound the requests per second: 50 and 100 when zero. What the rest.Config says wins.
	QPS   float32
	Burst int
	// PageSize bounds the objects of one response. Zero asks for each list in one response from the API server's cache, which is
	// fastest and read as a stream; a positive number makes it read pages, consistently, at the cost of a request for each.
	PageSize int64
	// Heuristics also lists every namespaced custom resource, to find pod templates in kinds that no rule knows.
	Heuristics bool
}

func (o *LiveOptions) withDefaults() LiveOptions {
	var out LiveOptions
	if o != nil {
		out = *o
	}
	out.Timeout = cmp.Or(out.Timeout, 2*time.Minute)
	out.Concurrency = max(1, cmp.Or(out.Concurrency, 5))
	out.QPS = cmp.Or(out.QPS, 50)
	out.Burst = cmp.Or(out.Burst, 100)
	return out
}

// Live returns a source that reads one running cluster, called name.
//
// It makes one request for each kind of object, however many pods and owners there are: built-in kinds as protobuf, pods by the
// labels of Pod Identity and Workload Identity, ReplicaSets, service accounts, namespaces and nodes by their metadata alone, custom
// resources as JSON. Responses are decoded as streams, object by object, so that memory holds what is kept and no more.
//
// A custom resource whose definition is absent is empty; whatever the API server refuses or fails to give, after retries, is a [Gap].
// It needs list on what it reads, across namespaces, and get on /.well-known/openid-configuration for the issuer.
func Live(name string, config *rest.Config, opts *LiveOptions) Source {
	return &live{name: name, config: config, opts: opts.withDefaults()}
}

type live struct {
	name   string
	config *rest.Config
	opts   LiveOptions
}

// ClusterName implements [Source].
func (l *live) ClusterName() string { return l.name }

// Read implements [Source].
func (l *live) Read(ctx context.Context) (*Snapshot, error) {
	if l.opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.opts.Timeout)
		defer cancel()
	}
	known := l.opts.Cluster
	known.Name = l.name
	r, err := newLiveRead(l.config, l.opts)
	if err == nil {
		defer r.http.CloseIdleConnections()
		err = r.run(ctx, known)
	}
	if err != nil {
		err = &ClusterError{Cluster: l.name, Err: err}
		if r == nil || r.collector == nil {
			return (&refusedSource{cluster: known, reason: err.Error()}).snapshot(), err
		}
	}
	snap := r.collector.finish()
	snap.Origin = "live"
	return snap, err
}

// liveRead is one read of a running cluster.
type liveRead struct {
	http      *http.Client
	rest      *rest.RESTClient
	discovery *discovery.DiscoveryClient
	opts      LiveOptions
	collector *collector
}

func newLiveRead(config *rest.Config, opts LiveOptions) (*liveRead, error) {
	if config == nil {
		return nil, errors.New("no rest.Config")
	}
	c := rest.CopyConfig(config)
	c.QPS, c.Burst = cmp.Or(c.QPS, opts.QPS), cmp.Or(c.Burst, opts.Burst)
	if c.RateLimiter == nil && c.QPS < 0 {
		c.Burst = 0
	}
	c.GroupVersion = &schema.GroupVersion{}
	c.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	if c.UserAgent == "" {
		c.UserAgent = "wimigrate"
	}
	client, err := rest.HTTPClientFor(c)
	if err != nil {
		return nil, err
	}
	r := &liveRead{http: client, opts: opts}
	if r.rest, err = rest.UnversionedRESTClientForConfigAndClient(c, client); err != nil {
		return nil, err
	}
	r.discovery, err = discovery.NewDiscoveryClientForConfigAndClient(c, client)
	return r, err
}

// run discovers what the cluster has, lists what matters of it, and joins the lists.
func (r *liveRead) run(ctx context.Context, known Cluster) error {
	served, err := discover(ctx, r.discovery)
	if err != nil {
		return err
	}
	r.collector = newCollector(known.Name, r.opts.Heuristics)
	r.collector.snap.UnknownKindsSkipped = !r.opts.Heuristics
	r.collector.snap.Cluster = known
	for resource, reason := range served.failed {
		r.collector.gap(resource, reason)
	}
	r.issuer(ctx)
	lists := plannedLists(served, r.opts.Heuristics)
	r.lists(ctx, lists)
	r.lists(ctx, r.secondLists(served))
	if err := context.Cause(ctx); err != nil {
		r.collector.gap("cluster", "the read was stopped: "+err.Error())
		return fmt.Errorf("the read was stopped: %w", err)
	}
	return nil
}

// lists reads lists, several at once, and takes over what they hold in the order of the lists.
func (r *liveRead) lists(ctx context.Context, lists []liveList) {
	parts := make([]*collector, len(lists))
	var group errgroup.Group
	group.SetLimit(r.opts.Concurrency)
	for i, list := range lists {
		group.Go(func() error {
			parts[i] = r.list(ctx, list)
			return nil
		})
	}
	_ = group.Wait() // what failed is a gap of its part
	for _, part := range parts {
		r.collector.take(part)
	}
}
