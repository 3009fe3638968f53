package e2e_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fault"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/serve"
)

// The table of faults: what the library does while a real API server, Entra and ARM fail in every way that servers and networks have.
func TestFaultsLeaveNothingHalfDoneAndNothingHalfKnown(t *testing.T) {
	inTurn(t, long)
	f := fleet.StartFleet(t, fleet.Spec{NoWebhook: true, // what the gates see is for other tests
		Clusters: []fleet.ClusterSpec{{Name: "aks-eastus-01", Region: "eastus", Nodes: 2}},
		Azure:    azure.Options{Propagation: time.Second, NegativeCache: 2 * time.Second, KeyCache: -1}})
	deployFaultUnits(t, f)

	t.Run("the catalog", func(t *testing.T) { catalogUnderFaults(t, f) })
	t.Run("the main job", func(t *testing.T) { mainUnderFaults(t, f) })
	plans := newOperator(t, f).plansByNamespace(t, cutovertest.MigrationPlan())
	before := dumpFleet(t, f)
	together(t, []faultTable{
		{"a catalog that watches", watchUnderFaults}, {"federation through ARM", federationUnderFaults}, {"proofs at Entra", proofsUnderFaults},
		{"cutover", func(t *testing.T, f *fleet.Fleet) { cutoverUnderFaults(t, f, plans) }},
		{"a process wakes up with a lease that is over", func(t *testing.T, f *fleet.Fleet) { pausedProcesses(t, f, plans) }},
	}, func(x faultTable) string { return x.name }, func(t *testing.T, _ int, x faultTable) { x.run(t, f) })
	removeJournal(t, f)
	var all cutover.Plan
	for _, p := range plans {
		all.Units = append(all.Units, p.Units...)
	}
	compareFleet(t, f, &all, before)
}

// faultTable is one part of the table of faults.
type faultTable struct {
	name string
	run  func(t *testing.T, f *fleet.Fleet)
}

// together runs subtests at once, for most of the time they wait; t.Parallel would let as few go as there are processors.
func together[T any](t *testing.T, cases []T, name func(T) string, run func(t *testing.T, i int, c T)) {
	t.Helper()
	var some errgroup.Group
	for i, c := range cases {
		some.Go(func() error {
			t.Run(name(c), func(t *testing.T) { run(t, i, c) })
			return nil
		})
	}
	_ = some.Wait() //nolint:errcheck // nothing fails but tests
}

// faulty is a client configuration of the cluster's administrator, through a proxy of its own: tests that run at once each have a script.
func faulty(t *testing.T, f *fleet.Fleet, rules ...fault.Rule) (*rest.Config, *fault.Injector) {
	t.Helper()
	cfg := f.Clusters[0].REST()
	to, err := url.Parse(cfg.Host)
	if err != nil {
		t.Fatal(err)
	}
	i := fault.New(1)
	i.Script(rules...)
	s, err := serve.TLS(f.Authority, "fault proxy", i.Wrap(fault.Proxy(to, f.Authority.Pool())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	cfg.Host = s.URL
	return cfg, i
}

// struck tells what happened by an injector since the given event, and fails the test where nothing did.
func struck(t *testing.T, i *fault.Injector, since int) {
	t.Helper()
	events := i.Events()[since:]
	if len(events) == 0 {
		t.Error("no fault happened: the test shows nothing")
		return
	}
	var first []string
	for _, e := range events[:min(len(events), 3)] {
		first = append(first, e.Method+" "+e.Path)
	}
	t.Logf("%d faults: %s", len(events), strings.Join(first, ", "))
}

// named makes names of cases fit for Kubernetes.
func named(prefix string, i int) string { return fmt.Sprintf("%s-%02d", prefix, i) }
