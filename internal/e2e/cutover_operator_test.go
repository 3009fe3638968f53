package e2e_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/armfic"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// operator holds what somebody who moves a real fleet has: clients of the API servers, ARM and Entra, NMI's metrics pages, and the
// applications' status pages.
type operator struct {
	f        *fleet.Fleet
	store    *armfic.Store
	clusters map[string]cutover.Cluster
	// namespaces are those that it plans for; none means all.
	namespaces []string
	// sent is what the operator's clients ask of the API servers.
	sent requestLog
}

// settled is how long gates wait for what needs a moment; moment is as long where a unit that is held is asked again, in patience and in
// further runs: there, what is idle should not hold up the fleet for long.
const (
	settled = 15 * time.Second
	moment  = 5 * time.Second
)

func newOperator(t *testing.T, f *fleet.Fleet, namespaces ...string) *operator {
	t.Helper()
	store, err := f.Azure.Store()
	if err != nil {
		t.Fatal(err)
	}
	o := &operator{f: f, store: store, namespaces: namespaces, clusters: map[string]cutover.Cluster{}}
	for _, c := range f.Clusters {
		cfg := c.REST()
		cfg.QPS, cfg.Burst = 100, 200 // many units at once, in windows of seconds
		cfg.Wrap(o.sent.wrap)
		if o.clusters[c.Name], err = cutover.NewCluster(cfg); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// gates are the provided ones, with windows of seconds. All demands stay.
func (o *operator) gates() cutover.Gates {
	load := &cutover.LoadOptions{Window: 2 * time.Second, Deadline: 3 * time.Minute, LookEvery: time.Second, Calm: 2 * time.Second, Pods: 2, Nodes: 2}
	g := cutover.DefaultGates(&cutover.GateOptions{
		Preflight: &cutover.PreflightOptions{EntraClock: o.entraClock, Probes: 2, ProbeTime: time.Minute,
			Attest: func(cutover.Workload) cutover.Attestation { return cutover.AttestDeclared }},
		Prove:  &federation.ProveOptions{TenantID: azure.TenantID, Settle: -1, Every: 200 * time.Millisecond, Deadline: time.Minute},
		Ready:  &cutover.ReadyOptions{Floor: time.Minute}, // a loaded machine starts pods when it can
		Probes: 3, Settle: moment, SettleEvery: time.Second, Quiet: 2 * time.Second, Calm: 2 * time.Second, Load: load, LoadAgain: load,
	})
	// Under load a rollout or a scale-out is under way at many an instant.
	g.Preflight = cutover.Eventually(g.Preflight, time.Minute, time.Second)
	return g
}

func (o *operator) runner(t *testing.T, j cutover.Journal, g cutover.Gates, told func(cutover.Event)) *cutover.Runner {
	t.Helper()
	r, err := cutover.NewRunner(o.clusters, j, g, o.options(told))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (o *operator) options(told func(cutover.Event)) *cutover.Options {
	readers := map[string]cutover.Reader{}
	for name, c := range o.clusters {
		readers[name] = c
	}
	return &cutover.Options{
		Trust: o.store, Exchanger: o, Patience: 10 * time.Second, SoakEvery: 2 * time.Second, LowerPause: 300 * time.Millisecond, Evict: true, OnEvent: told,
		Oracle: &cutover.Telemetry{Status: o.status, NMI: &cutover.NMIMetrics{Endpoints: cutover.NMIPods(readers)}},
	}
}

// Exchange implements cutover.Exchanger at Entra's endpoint.
func (o *operator) Exchange(ctx context.Context, r cutover.ExchangeRequest) (cutover.Claims, error) {
	c, err := o.f.Azure.Exchange()(ctx, cmp.Or(r.TenantID, azure.TenantID), r.ClientID, r.Assertion)
	return cutover.Claims{AppID: c.ClientID, TenantID: c.TenantID}, err
}

// status reads a pod's status page. The API server refuses to proxy to loopback addresses, so the kubelet's double knows the way.
func (o *operator) status(ctx context.Context, cluster, namespace, pod string) ([]byte, error) {
	for _, r := range o.f.Cluster(cluster).Reports() {
		if r.Namespace == namespace && r.Pod == pod && r.StatusURL != "" && !r.Ended {
			_, page, err := fetch(ctx, http.DefaultClient, r.StatusURL)
			return page, err
		}
	}
	return nil, fmt.Errorf("pod %s/%s has no status page", namespace, pod)
}

func (o *operator) entraClock(ctx context.Context) (time.Time, error) {
	header, _, err := fetch(ctx, o.f.HTTPClient(), o.f.Azure.EntraURL)
	if err != nil {
		return time.Time{}, err
	}
	return http.ParseTime(header.Get("Date"))
}

func fetch(ctx context.Context, c *http.Client, url string) (http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.Header, page, err
}
