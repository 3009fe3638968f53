package cutover_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// Forty workloads, whose gates have more to say than the journal has room for; under the race detector fewer, which say more each.
const (
	many = 40 / stride
	talk = 100 * stride
)

// talkative passes, and has much to say about it.
func talkative(_ context.Context, t cutover.Target) cutover.Verdict {
	v := cutover.Verdict{Gate: "talkative", Result: cutover.Pass}
	for i := range 20 {
		v.Evidence = append(v.Evidence, cutover.Evidence{
			Check: "V1", Object: fmt.Sprintf("Pod/%s-%02d", t.Unit.Namespace, i), Want: strings.Repeat("w", talk), Got: strings.Repeat("g", talk), Result: cutover.Pass,
		})
	}
	return v
}

func TestAUnitOfFortyWorkloadsMovesAndComesBackWithItsJournalInAConfigMap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := cutovertest.New(nil)
		c := f.AddCluster("aks-eastus-01", "eastus", 4)
		for i := range many {
			c.Deploy(cutovertest.App{Namespace: "shop", Name: fmt.Sprintf("web-%02d", i), ServiceAccount: "web", Identity: "shop-web", Replicas: 2, Untrusted: i > 0})
		}
		settle(t)
		f.ResetTally()
		p := planFor(t, f, &cutover.PlanOptions{Soak: 10 * time.Minute})
		if len(p.Units) != 1 || len(p.Units[0].Workloads) != many {
			t.Fatalf("%d units", len(p.Units))
		}
		j, err := cutover.NewConfigMapJournal(f.Clusters(), "ops")
		if err != nil {
			t.Fatal(err)
		}
		g := cutover.Gates{
			Preflight: talkative, Trusted: talkative, Annotated: talkative, DualPath: talkative, Load: talkative, Canary: talkative,
			Unbound: talkative, LoadAgain: talkative, Soak: talkative,
		}
		r := runnerFor(t, f, j, g, nil)
		rep := mustRun(t, r, p)
		wantStates(t, rep, cutover.Done)
		kept, shed := 0, 0
		for _, v := range rep.Units[0].Verdicts {
			if v.Result != cutover.Pass || v.Gate != "talkative" || len(v.Evidence)+v.Shed != 20 {
				t.Errorf("%s: %s with %d pieces of evidence and %d shed", v.Step, v.Result, len(v.Evidence), v.Shed)
			}
			kept, shed = kept+len(v.Evidence), shed+v.Shed
		}
		if len(rep.Units[0].Verdicts) < 3*many || kept == 0 || shed == 0 {
			t.Errorf("%d verdicts, %d pieces of evidence kept, %d shed", len(rep.Units[0].Verdicts), kept, shed)
		}
		if last := rep.Units[0].Verdicts[len(rep.Units[0].Verdicts)-1]; last.Shed != 0 {
			t.Errorf("the newest verdict, of %s, has lost its evidence", last.Step)
		}
		wantStates(t, mustRollback(t, r, p), cutover.RolledBack)
		wantNoHarm(t, f)
	})
}
