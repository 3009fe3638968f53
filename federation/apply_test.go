package federation_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

// bubble runs a test in virtual time, so that Azure's pace costs nothing.
func bubble(t *testing.T, f func(t *testing.T)) { t.Helper(); synctest.Test(t, f) }

// converge observes, plans, and fails the test if anything is left to do.
func converged(t *testing.T, s federation.Store, cat *catalog.Catalog, opts *federation.PlanOptions) {
	t.Helper()
	have, err := federation.Observe(t.Context(), s, cat, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p := mustPlan(t, cat, have, opts); !p.Converged() {
		t.Errorf("not converged: %v", lines(p))
	}
}

func TestApplyMakesEveryChangeAndPlanningAgainFindsNothingPending(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cloud := federationtest.NewCloud(&federationtest.CloudOptions{Latency: 50 * time.Millisecond, ARMRates: federation.ARMRates(), GraphRates: federation.GraphRates(), Lag: 5 * time.Second})
		cloud.AddAll(small(), "eastus")
		p := mustPlan(t, small(), cloud.State(), nil)
		report, err := federation.Apply(t.Context(), cloud.Store(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		if report.Count(federation.Applied) != 5 || !report.Complete() {
			t.Errorf("report: %+v", report)
		}
		if refused := cloud.Refused(); len(refused) != 0 {
			t.Errorf("we were refused: %v", refused)
		}
		converged(t, cloud.Store(), small(), nil)
		again, err := federation.Apply(t.Context(), cloud.Store(), p, nil)
		if err != nil || again.Count(federation.Found) != 5 {
			t.Errorf("applied again: %+v, %v", again, err)
		}
	})
}

// wide is a fleet of n identities in the given number of subscriptions, each needed by ten service accounts of one cluster.
func wide(identities, subscriptions int) *catalog.Catalog {
	cat := &catalog.Catalog{Clusters: []catalog.Cluster{cluster("aks", "eastus", 1)}}
	for i := range identities {
		id := managed(fmt.Sprintf("id-%03d", i))
		id.ResourceID = fmt.Sprintf("/subscriptions/%08d-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/%s", i%subscriptions, id.Name)
		for k := range 10 {
			cat.Needs = append(cat.Needs, need("aks", fmt.Sprintf("ns-%03d", i), fmt.Sprintf("sa-%d", k), id))
		}
	}
	return cat
}

// The rates allow a tenant 10 writes a second, a subscription 2, an identity one in 4 s: the slowest of them is the critical path.
func TestApplyKeepsToTheCriticalPathThatTheRatesAllow(t *testing.T) {
	for _, subscriptions := range []int{1, 3, 10} {
		t.Run(fmt.Sprintf("200 identities in %d subscriptions", subscriptions), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				cat := wide(200, subscriptions)
				cloud := federationtest.NewCloud(&federationtest.CloudOptions{Latency: 50 * time.Millisecond, ARMRates: federation.ARMRates()})
				cloud.AddAll(cat, "eastus")
				p := mustPlan(t, cat, cloud.State(), nil)
				rates := federation.ARMRates().Put
				inOne := (200 + subscriptions - 1) / subscriptions * 10
				critical := max(2000/rates.Tenant, float64(inOne)/rates.Subscription, 10/rates.Identity)
				start := time.Now()
				if _, err := federation.Apply(t.Context(), cloud.Store(), p, nil); err != nil {
					t.Fatal(err)
				}
				took := time.Since(start).Seconds()
				t.Logf("2,000 changes over 200 identities in %d subscriptions: %.1f s, critical path %.1f s, %+.1f %%", subscriptions, took, critical, 100*(took/critical-1))
				if took > 1.10*critical {
					t.Errorf("took %.1f s, more than 10 %% above the critical path of %.1f s", took, critical)
				}
				if refused := cloud.Refused(); len(refused) != 0 {
					t.Errorf("refusals that we caused: %v", refused)
				}
			})
		})
	}
}

func TestApplyLosesNoChangeUnderFaults(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		bubble(t, func(t *testing.T) {
			cat := wide(200, 5)
			mix := federationtest.Mix{Conflict: 0.05, Throttle: 0.05, Unavailable: 0.05, DropRequest: 0.02, DropReply: 0.03}
			cloud := federationtest.NewCloud(&federationtest.CloudOptions{Latency: 50 * time.Millisecond, Lag: time.Second, Fault: mix.Random(seed)})
			cloud.AddAll(cat, "eastus")
			p := mustPlan(t, cat, cloud.State(), nil)
			report, err := federation.Apply(t.Context(), cloud.Store(), p, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !report.Complete() || report.Count(federation.Applied) != 2000 {
				t.Errorf("applied %d of 2000", report.Count(federation.Applied))
			}
			if left := mustPlan(t, cat, cloud.State(), nil); !left.Converged() {
				t.Error("changes were lost")
			}
		})
	}
}

// At any instant, in the middle of any number of requests, faults all around.
func TestApplyKilledAtAnyInstantUnderFaultsLosesNothing(t *testing.T) {
	for _, after := range []time.Duration{time.Millisecond, 70 * time.Millisecond, time.Second, 4040 * time.Millisecond, 13 * time.Second, 77 * time.Second} {
		bubble(t, func(t *testing.T) {
			cat := wide(60, 5)
			mix := federationtest.Mix{Conflict: 0.05, Throttle: 0.05, Unavailable: 0.05, DropRequest: 0.02, DropReply: 0.03}
			cloud := federationtest.NewCloud(&federationtest.CloudOptions{Latency: 50 * time.Millisecond, Fault: mix.Random(uint64(after))})
			cloud.AddAll(cat, "eastus")
			p := mustPlan(t, cat, cloud.State(), nil)
			ctx, kill := context.WithTimeout(t.Context(), after)
			defer kill()
			if _, err := federation.Apply(ctx, cloud.Store(), p, nil); err == nil {
				t.Fatalf("killed after %v, and no error", after)
			}
			report, err := federation.Apply(t.Context(), cloud.Store(), p, nil)
			if err != nil || !report.Complete() {
				t.Errorf("killed after %v, resumed: %v", after, err)
			}
			converged(t, cloud.Store(), cat, nil)
		})
	}
}

// killer is a store whose process dies at the n-th write, before or after it: from then on nothing gets through.
type killer struct {
	federation.Store
	kill  context.CancelFunc
	after bool

	mu   sync.Mutex
	left int
}

var errKilled = errors.New("killed")

func (k *killer) write(do func() error) error {
	k.mu.Lock()
	k.left--
	left := k.left
	k.mu.Unlock()
	switch {
	case left > 0:
		return do()
	case left == 0 && k.after:
		_ = do()
	}
	k.kill()
	return errKilled
}

func (k *killer) Put(ctx context.Context, id catalog.Identity, c federation.Credential) error {
	return k.write(func() error { return k.Store.Put(context.WithoutCancel(ctx), id, c) })
}

func (k *killer) Delete(ctx context.Context, id catalog.Identity, name string) error {
	return k.write(func() error { return k.Store.Delete(context.WithoutCancel(ctx), id, name) })
}

// rebuiltFleet is small after aks-eastus was rebuilt, with trust of the old cluster and of a service account that is gone in place, so
// that its plan has all four actions.
func rebuiltFleet(t *testing.T) (*catalog.Catalog, federation.State) {
	cat, have := small(), federation.State{}
	have = applied(mustPlan(t, cat, have, nil), have)
	id := managed("id-batch").Key()
	have[id] = append(have[id], federation.Credential{Name: "wimigrate-aks-eastus_batch_gone", Issuer: cat.Clusters[0].Issuer, Subject: "system:serviceaccount:batch:gone", Audience: federation.DefaultAudience})
	cat.Clusters[0].Issuer = issuer("eastus", 77)
	have[id] = append(have[id], federation.Credential{Name: "wimigrate-aks-westeurope_batch_gone", Issuer: cat.Clusters[1].Issuer, Subject: "system:serviceaccount:batch:gone", Audience: federation.DefaultAudience})
	cat.Needs = append(cat.Needs, need("aks-westeurope", "batch", "nightly", managed("id-batch")))
	return cat, have
}

// applied is the state after a plan, computed on paper.
func applied(p *federation.Plan, have federation.State) federation.State {
	after := federation.State{}
	for key, creds := range have {
		after[key] = append([]federation.Credential{}, creds...)
	}
	for id, changes := range p.ByIdentity() {
		key := id.Identity.Key()
		for _, c := range changes {
			kept := after[key][:0:0]
			for _, x := range after[key] {
				if x.Name != c.Credential.Name {
					kept = append(kept, x)
				}
			}
			if c.Action != federation.Delete {
				kept = append(kept, c.Credential)
			}
			after[key] = kept
		}
	}
	return after
}

func seed(cat *catalog.Catalog, have federation.State, opts *federationtest.CloudOptions) *federationtest.Cloud {
	cloud := federationtest.NewCloud(opts)
	for _, n := range cat.Needs {
		cloud.Add(n.Identity, "eastus", have[n.Identity.Key()]...)
	}
	return cloud
}

func TestApplyKilledAtAnyWriteAndRunAgainEndsAsIfNothingHadHappened(t *testing.T) {
	cat, have := rebuiltFleet(t)
	opts := &federation.PlanOptions{Prune: true}
	p := mustPlan(t, cat, have, opts)
	pending := 0
	for range p.Pending() {
		pending++
	}
	want := applied(p, have)
	for n := 1; n <= pending; n++ {
		for _, after := range []bool{false, true} {
			bubble(t, func(t *testing.T) {
				cloud := seed(cat, have, &federationtest.CloudOptions{Latency: 50 * time.Millisecond})
				ctx, kill := context.WithCancel(t.Context())
				defer kill()
				_, err := federation.Apply(ctx, &killer{Store: cloud.Store(), kill: kill, after: after, left: n}, p, nil)
				if err == nil {
					t.Fatalf("killed at write %d, and no error", n)
				}
				report, err := federation.Apply(t.Context(), cloud.Store(), p, nil) // the same plan resumes
				if err != nil || !report.Complete() {
					t.Fatalf("killed at write %d (after: %v), resumed: %v", n, after, err)
				}
				if diff := cmp.Diff(want, cloud.State(), cmpopts.SortSlices(func(a, b federation.Credential) bool { return a.Name < b.Name })); diff != "" {
					t.Errorf("killed at write %d (after: %v): %s", n, after, diff)
				}
				converged(t, cloud.Store(), cat, opts)
			})
		}
	}
	t.Logf("%d writes, killed before and after each", pending)
}
