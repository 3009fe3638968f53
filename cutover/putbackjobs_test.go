package cutover_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// A Job keeps the template that it was made from. One that is made in the soak while the webhook is down bears its pod when the webhook is up
// again, and if the account had lost its annotation by then, that pod would have no identity by either path.
func TestARollbackKeepsTheAnnotationForAJobThatIsStillToBearItsPod(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, c, p := soaking(t, catalog.ModeStandard, cutovertest.App{Kind: "CronJob"})
		origin := quiesced(c)
		j := cutovertest.NewJournal()
		soakUntilTheWebhookFails(t, f, c, p, j)
		time.Sleep(11 * time.Minute) // a Job is made, and cannot bear its pod
		r := runnerFor(t, f, j, cutovertest.PassGates(), nil)
		rep := mustRollback(t, r, p)
		if u := rep.Units[0]; u.State != cutover.RollingBack || u.Hold != cutover.HoldJob || !strings.Contains(u.Reason, "Job/web-") {
			t.Errorf("%s (%s): %s", u.State, u.Hold, u.Reason)
		}
		account, err := c.Get(t.Context(), cutover.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "shop", Name: "web"})
		if err != nil {
			t.Fatal(err)
		}
		if account.GetAnnotations()["azure.workload.identity/client-id"] == "" {
			t.Error("the account has lost its annotation")
		}
		c.SetWebhook(cutovertest.WebhookUp)
		time.Sleep(10 * time.Minute) // the Job bears its pod, and ends
		wantStates(t, mustRollback(t, r, p), cutover.RolledBack)
		if diff := cmp.Diff(origin, quiesced(c)); diff != "" {
			t.Errorf("before (-) and after the rollback (+):\n%s", diff)
		}
		wantNoHarm(t, f)
	})
}
