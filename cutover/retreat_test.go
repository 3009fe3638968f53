package cutover_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// soaking is a fleet of one busy application whose unit soaks on the new path alone: the webhook goes down during the soak.
func soaking(t *testing.T, mode catalog.PodIdentityMode, a cutovertest.App) (*cutovertest.Fleet, *cutovertest.Cluster, *cutover.Plan) {
	t.Helper()
	f := cutovertest.New(&cutovertest.Options{Mode: mode, TokenEvery: 20 * time.Second})
	c := f.AddCluster("aks-eastus-01", "eastus", 4)
	a.Namespace, a.Name = "shop", "web"
	c.Deploy(a)
	settle(t)
	f.ResetTally()
	return f, c, planFor(t, f, &cutover.PlanOptions{Soak: 24 * time.Hour})
}

// webhookGates pass but for the soak, which looks at the webhook.
func webhookGates() cutover.Gates {
	g := cutovertest.PassGates()
	g.Soak = cutover.InjectionProbe(1)
	return g
}

// soakUntilTheWebhookFails runs a plan until the webhook is down in the soak, and keeps the unit as it is then.
func soakUntilTheWebhookFails(t *testing.T, f *cutovertest.Fleet, c *cutovertest.Cluster, p *cutover.Plan, j cutover.Journal) {
	t.Helper()
	c.After(40*time.Minute, func(s *cutovertest.Script) { s.SetWebhook(cutovertest.WebhookDown) })
	r := runnerFor(t, f, j, webhookGates(), &cutover.Options{OnFailure: cutover.Keep, Patience: time.Hour, Evict: true})
	wantFrozen(t, mustRun(t, r, p), "no such pod can be born")
}

// quiesced is the cluster once autoscalers and MIC have followed.
func quiesced(c *cutovertest.Cluster) map[string]map[string]any {
	time.Sleep(15 * time.Minute)
	out := c.Dump()
	for name := range out {
		if strings.HasPrefix(name, "AzureAssignedIdentity/") || strings.HasPrefix(name, "Job/") {
			delete(out, name)
		}
	}
	if o := out["StatefulSet/shop/web"]; o != nil { // a real API server fills it in by default, and it stays
		delete(o["spec"].(map[string]any)["updateStrategy"].(map[string]any), "rollingUpdate")
	}
	return out
}

func TestAWebhookThatIsDownDoesNotBlockTheWayBack(t *testing.T) {
	t.Parallel()
	for _, mode := range []catalog.PodIdentityMode{catalog.ModeStandard, catalog.ModeManaged} {
		for _, a := range []cutovertest.App{
			{Replicas: 6}, {Replicas: 1}, {Recreate: true}, {Kind: "StatefulSet", Replicas: 5}, {Kind: "StatefulSet", Replicas: 2}, {Kind: "DaemonSet"}, {Kind: "CronJob"}, {Kind: "Rollout"},
		} {
			bubble(t, fmt.Sprintf("%s %s %d recreate=%v", mode, a.Kind, a.Replicas, a.Recreate), func(t *testing.T) {
				f, c, p := soaking(t, mode, a)
				origin := quiesced(c)
				j := cutovertest.NewJournal()
				soakUntilTheWebhookFails(t, f, c, p, j)
				wantStates(t, mustRollback(t, runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{Evict: true}), p), cutover.RolledBack)
				if diff := cmp.Diff(origin, quiesced(c)); diff != "" {
					t.Errorf("before (-) and after the rollback (+):\n%s", diff)
				}
				wantNoHarm(t, f)
			})
		}
	}
}

func TestARetreatWritesBothLabelsAtOnceAndKeepsTheLivingPodsUntilProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, c, p := soaking(t, catalog.ModeStandard, cutovertest.App{Replicas: 6})
		j := cutovertest.NewJournal()
		soakUntilTheWebhookFails(t, f, c, p, j)
		c.SetMIC(false)
		r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
		rep := mustRollback(t, r, p)
		if u := rep.Units[0]; u.State != cutover.RollingBack || u.Hold != cutover.HoldOldPath || !strings.Contains(u.Reason, "MIC has not assigned") {
			t.Errorf("%s (%s): %s", u.State, u.Hold, u.Reason)
		}
		old, fresh := 0, 0
		pods, err := c.List(t.Context(), cutover.Selection{APIVersion: "v1", Kind: "Pod", Namespace: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		for _, pod := range pods {
			_, bound := pod.GetLabels()["aadpodidbinding"]
			_, used := pod.GetLabels()["azure.workload.identity/use"]
			switch {
			case used && !bound:
				fresh++
			case bound && !used:
				old++
			default:
				t.Errorf("%s has both labels or none", pod.GetName())
			}
		}
		if fresh != 6 || old != 2 {
			t.Errorf("%d pods on the new path, want 6 that live; %d on the old one, want 2 that wait for MIC", fresh, old)
		}
		c.SetMIC(true)
		wantStates(t, mustRun(t, r, p), cutover.RolledBack) // running again goes on with the way back
	})
}
