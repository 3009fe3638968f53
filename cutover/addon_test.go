package cutover_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

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

// deletions keeps what is deleted through a cluster.
type deletions struct {
	cutover.Cluster
	refs []cutover.Ref
}

// Write implements cutover.Cluster.
func (d *deletions) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	if w.Verb == cutover.Delete {
		d.refs = append(d.refs, w.Ref)
	}
	return d.Cluster.Write(ctx, w)
}

func TestWhatBelongsToTheAddOnGoesThroughARMAlone(t *testing.T) {
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
			api := &deletions{Cluster: c}
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
