package cutover_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestCredentialsThatExpireHoldAUnitAndFreezeNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c := oneApp(t, cutovertest.App{})
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		left := 1
		clusters := map[string]cutover.Cluster{"aks-eastus-01": writeTo{c, func(ctx context.Context, c cutover.Cluster, w cutover.Write) (*unstructured.Unstructured, error) {
			if w.Ref.Kind == "Deployment" {
				if left--; left < 0 {
					return nil, apierrors.NewUnauthorized("the token has expired")
				}
			}
			return c.Write(ctx, w)
		}}}
		r, err := cutover.NewRunner(clusters, j, cutovertest.PassGates(), nil)
		if err != nil {
			t.Fatal(err)
		}
		u := mustRun(t, r, p).Units[0]
		if u.State != cutover.Held || u.Hold != cutover.HoldUnreachable || u.Failed {
			t.Errorf("the unit is %s (%s, failed %v): %s", u.State, u.Hold, u.Failed, u.Reason)
		}
		left = 1000
		wantStates(t, mustRun(t, r, p), cutover.Done)
		wantNoHarm(t, f)
	})
}

func TestCredentialsThatExpireAtAReadHoldTheirClustersUnitsAlone(t *testing.T) {
	for _, kind := range []string{"file", "config map"} {
		bubble(t, kind, func(t *testing.T) {
			w := newTwoClusters(t)
			w.bad.says = apierrors.NewUnauthorized("the token has expired")
			j := w.journal(t, kind)
			expired := false
			r := w.runner(t, j, func(e cutover.Event) {
				if !expired && e.Type == cutover.EventStep && e.Cluster == "aks-eastus-02" && strings.Contains(e.Unit, "team-03") && strings.HasPrefix(e.Step, "dualPath") {
					expired = true
					w.bad.down.Store(true)
				}
			})
			rep, err := r.Run(t.Context(), w.plan)
			w.want(t, rep, "run", "Done", map[string]string{"file": "Done", "config map": "Held unreachable"}[kind], "Done", "Held unreachable")
			says := func(what, text string) {
				for _, s := range []string{"aks-eastus-02", "log in", "run again", "expired"} {
					if !strings.Contains(text, s) {
						t.Errorf("%s does not say %q: %s", what, s, text)
					}
				}
			}
			for _, u := range rep.Units {
				if strings.Contains(u.ID, "team-03") {
					says("the report", u.Reason)
				}
			}
			var out *cutover.CredentialsError
			var unit *cutover.UnitError
			switch { // what was held is no error, unless that could not be written down
			case kind == "file" && err != nil:
				t.Errorf("got %v", err)
			case kind == "config map" && (!errors.As(err, &unit) || unit.Unit != "aks-eastus-02/team-03/web"):
				t.Errorf("got %v", err)
			case kind == "config map" && (!errors.As(err, &out) || out.Cluster != "aks-eastus-02" || !apierrors.IsUnauthorized(out)):
				t.Errorf("got %v, want the error of the cluster's credentials", err)
			case kind == "config map":
				says("the error", err.Error())
			}
			if len(rep.Frozen) > 0 {
				t.Errorf("frozen: %v", rep.Frozen)
			}
			rep, err = r.Status(t.Context(), w.plan)
			if err != nil {
				t.Errorf("a status without a login: %v", err)
			}
			for _, u := range rep.Units {
				if kind == "config map" && u.Cluster == "aks-eastus-02" {
					says("the status", u.Reason)
				}
			}
			_, err = r.Rollback(t.Context(), w.plan, "aks-eastus-02/team-03/web")
			if kind == "config map" {
				says("the error of a rollback", fmt.Sprint(err))
			}
			w.bad.down.Store(false)
			if _, err := r.Rollback(t.Context(), w.plan, "aks-eastus-02/team-03/web"); err != nil {
				t.Error(err)
			}
			if _, err := r.Thaw(t.Context(), w.plan); err != nil {
				t.Error(err)
			}
			wantStates(t, mustRun(t, r, w.plan), cutover.Done)
			wantNoHarm(t, w.fleet)
		})
	}
}
