package cutover_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/federation"
)

// planByAddOn plans a fleet whose identity shop-web comes from ARM's podIdentityProfile.
func planByAddOn(t *testing.T, f *cutovertest.Fleet) *cutover.Plan {
	t.Helper()
	cat, snaps, err := f.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	snaps[0].AddOn = &catalog.AddOn{Enabled: true, Identities: []catalog.AddOnIdentity{{Name: "shop-web", Namespace: "shop"}}}
	fed, err := federation.NewPlan(cat, f.State(cat), nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := cutover.NewPlan(cat, fed, &cutover.PlanOptions{Snapshots: snaps})
	if err != nil || len(p.Blocked) > 0 {
		t.Fatal(err, p.Blocked)
	}
	return p
}

// kept keeps what is written through a cluster by one verb.
type kept struct {
	cutover.Cluster
	verb cutover.Verb
	refs []cutover.Ref
}

// Write implements cutover.Cluster.
func (k *kept) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	if w.Verb == k.verb {
		k.refs = append(k.refs, w.Ref)
	}
	return k.Cluster.Write(ctx, w)
}

func TestWhatBelongsToTheAddOnGoesThroughARMAlone(t *testing.T) {
	t.Parallel()
	goes := func(c *cutovertest.Cluster, after time.Duration, kinds ...string) {
		c.After(after, func(s *cutovertest.Script) {
			for _, k := range kinds {
				s.Remove(k, "shop", map[string]string{"AzureIdentityBinding": "shop-web-binding", "AzureIdentity": "shop-web"}[k])
			}
		})
	}
	for _, tc := range []struct {
		name  string
		hook  func(c *cutovertest.Cluster) func(ctx context.Context, cluster string, binding cutover.Ref) error
		calls int
		want  func(t *testing.T, rep *cutover.Report)
	}{
		{"the add-on takes binding and identity away, some time after ARM said yes", func(c *cutovertest.Cluster) func(context.Context, string, cutover.Ref) error {
			return func(context.Context, string, cutover.Ref) error {
				goes(c, 2*time.Minute, "AzureIdentityBinding", "AzureIdentity")
				return nil
			}
		}, 1, func(t *testing.T, rep *cutover.Report) { wantStates(t, rep, cutover.Done) }},
		{"without a hook the unit is held, and told how to go on", func(*cutovertest.Cluster) func(context.Context, string, cutover.Ref) error { return nil }, 0,
			func(t *testing.T, rep *cutover.Report) {
				wantHold(t, rep, cutover.HoldManual, "az aks pod-identity delete")
			}},
		{"an identity that the add-on leaves behind holds the unit", func(c *cutovertest.Cluster) func(context.Context, string, cutover.Ref) error {
			return func(context.Context, string, cutover.Ref) error {
				goes(c, time.Minute, "AzureIdentityBinding")
				return nil
			}
		}, 1, func(t *testing.T, rep *cutover.Report) {
			wantHold(t, rep, cutover.HoldManual, "AzureIdentity/shop-web is still there 10m0s after its entry left podIdentityProfile")
		}},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{})
			p := planByAddOn(t, f)
			api := &kept{Cluster: c, verb: cutover.Delete}
			var asked []cutover.Ref
			o := &cutover.Options{}
			if hook := tc.hook(c); hook != nil {
				o.AddOn = func(ctx context.Context, cluster string, binding cutover.Ref) error {
					asked = append(asked, binding)
					return hook(ctx, cluster, binding)
				}
			}
			r, err := cutover.NewRunner(map[string]cutover.Cluster{c.Name(): api}, cutovertest.NewJournal(), cutovertest.PassGates(), o)
			if err != nil {
				t.Fatal(err)
			}
			tc.want(t, mustRun(t, r, p))
			if len(api.refs) != 0 {
				t.Errorf("deleted through the API server: %v", api.refs)
			}
			if len(asked) != tc.calls || slices.ContainsFunc(asked, func(r cutover.Ref) bool { return r.Kind != "AzureIdentityBinding" || r.Name != "shop-web-binding" }) {
				t.Errorf("the hook was asked for %v", asked)
			}
			wantNoHarm(t, f)
		})
	}
	bubble(t, "a hook that fails leaves the unit held, to be asked again", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		p, j, fails := planByAddOn(t, f), cutovertest.NewJournal(), true
		r := runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{AddOn: func(context.Context, string, cutover.Ref) error {
			if fails {
				return errors.New("ARM: 429")
			}
			goes(c, time.Minute, "AzureIdentityBinding", "AzureIdentity")
			return nil
		}})
		rep, err := r.Run(t.Context(), p)
		if err == nil {
			t.Error("the failure of ARM was not told")
		}
		wantHold(t, rep, cutover.HoldUnreachable, "ARM: 429")
		fails = false
		wantStates(t, mustRun(t, r, p), cutover.Done)
	})
}

func TestWhatTheAddOnTookAwayTheAddOnMakesAgain(t *testing.T) {
	bubble(t, "the way back waits for the entry in podIdentityProfile", func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		p, j := planByAddOn(t, f), cutovertest.NewJournal()
		before := c.Dump()
		api := &kept{Cluster: c, verb: cutover.Create}
		o := &cutover.Options{AddOn: func(context.Context, string, cutover.Ref) error {
			c.After(time.Minute, func(s *cutovertest.Script) { s.Remove("AzureIdentityBinding", "shop", "shop-web-binding") })
			return nil // and the identity is stuck
		}}
		r, err := cutover.NewRunner(map[string]cutover.Cluster{c.Name(): api}, j, cutovertest.PassGates(), o)
		if err != nil {
			t.Fatal(err)
		}
		wantHold(t, mustRun(t, r, p), cutover.HoldManual, "AzureIdentity/shop-web is still there")
		rep := mustRollback(t, r, p)
		want := "az aks pod-identity add --resource-group RESOURCE_GROUP --cluster-name aks-eastus-01 --namespace shop --name shop-web --identity-resource-id " +
			"/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/fleet/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop-web"
		for _, u := range rep.Units {
			if u.State != cutover.RollingBack || u.Hold != cutover.HoldManual || !strings.HasSuffix(u.Reason, want) {
				t.Errorf("%s (%s): %s\nwant …%s", u.State, u.Hold, u.Reason, want)
			}
		}
		if len(api.refs) > 0 {
			t.Errorf("made by hand: %v", api.refs)
		}
		c.Create(before["AzureIdentityBinding/shop/shop-web-binding"]) // by the add-on
		wantStates(t, mustRollback(t, r, p), cutover.RolledBack)
	})
}

// A Create that is answered by 503 may have been made: it is asked for again, more and more slowly, and not for ever.
func TestARollbackDoesNotAskForEverToMakeAnObjectAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		fails time.Duration
		state cutover.State
	}{
		{"one that is made in the end", time.Minute, cutover.RolledBack},
		{"one that is not", time.Hour, cutover.RollingBack},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, c := oneApp(t, cutovertest.App{})
			p, j := planFor(t, f, nil), cutovertest.NewJournal()
			stuck := 0
			api := &busyCreate{Cluster: c, foreign: true} // an identity that something else names by then cannot go, and the unit stops with its binding gone
			r, err := cutover.NewRunner(map[string]cutover.Cluster{c.Name(): api}, j, cutovertest.PassGates(), &cutover.Options{OnEvent: func(e cutover.Event) {
				if e.Type == cutover.EventWrite && strings.HasPrefix(e.Message, "delete AzureIdentityBinding") {
					stuck++
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			wantHold(t, mustRun(t, r, p), cutover.HoldManual, "is still named by")
			if stuck != 1 {
				t.Fatalf("%d bindings were deleted", stuck)
			}
			api.until = time.Now().Add(tc.fails)
			wantStates(t, mustRollback(t, r, p), tc.state)
			if api.asked > 20 {
				t.Errorf("asked %d times", api.asked)
			}
		})
	}
}

// busyCreate answers creations with 503 for a while, and shows a foreign binding to the unit's identity.
type busyCreate struct {
	cutover.Cluster
	until   time.Time
	asked   int
	foreign bool
}

// Write implements cutover.Cluster.
func (b *busyCreate) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	if w.Verb == cutover.Create && time.Now().Before(b.until) {
		b.asked++
		return nil, apierrors.NewServiceUnavailable("restarting")
	}
	return b.Cluster.Write(ctx, w)
}

// List implements cutover.Reader.
func (b *busyCreate) List(ctx context.Context, s cutover.Selection) ([]*unstructured.Unstructured, error) {
	out, err := b.Cluster.List(ctx, s)
	if b.foreign && s.Kind == "AzureIdentityBinding" {
		out = append(out, &unstructured.Unstructured{Object: map[string]any{"kind": "AzureIdentityBinding",
			"metadata": map[string]any{"name": "other", "namespace": "shop"}, "spec": map[string]any{"azureIdentity": "shop-web"}}})
	}
	return out, err
}
