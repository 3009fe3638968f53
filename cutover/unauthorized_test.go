package cutover_test

import (
	"context"
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
