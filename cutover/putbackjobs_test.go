package cutover_test

import (
	"regexp"
	"strings"
	"testing"
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
	for _, tc := range []struct {
		name     string
		patience time.Duration
		end      func(c *cutovertest.Cluster, jobs []string)
		again    func(t *testing.T, r *cutover.Runner, p *cutover.Plan) *cutover.Report
	}{
		{"until it has borne it and ended", 0, bearsItsPod, mustRollback},
		{"a run, too, ends the way back", 0, bearsItsPod, mustRun},
		{"or until a person deletes it", 0, func(c *cutovertest.Cluster, jobs []string) {
			for _, job := range jobs {
				c.Remove("Job", "shop", strings.TrimPrefix(job, "Job/"))
			}
		}, mustRun},
		{"a runner with patience waits in place", 2 * time.Hour, func(c *cutovertest.Cluster, _ []string) {
			c.After(time.Hour, func(s *cutovertest.Script) { s.SetWebhook(cutovertest.WebhookUp) })
		}, mustRun},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, c, p := soaking(t, catalog.ModeStandard, cutovertest.App{Kind: "CronJob"})
			origin := quiesced(c)
			j := cutovertest.NewJournal()
			soakUntilTheWebhookFails(t, f, c, p, j)
			time.Sleep(11 * time.Minute) // a Job is made, and cannot bear its pod
			rep := mustRollback(t, runnerFor(t, f, j, cutovertest.PassGates(), nil), p)
			u := rep.Units[0]
			if u.State != cutover.RollingBack || u.Hold != cutover.HoldJob {
				t.Errorf("%s (%s): %s", u.State, u.Hold, u.Reason)
			}
			for _, says := range []string{"Job/web-", "it has no pod now", "ServiceAccount/web", "Let them end, or delete", "roll back or run again"} {
				if !strings.Contains(u.Reason, says) {
					t.Errorf("%q does not say %q", u.Reason, says)
				}
			}
			account, err := c.Get(t.Context(), cutover.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "shop", Name: "web"})
			if err != nil {
				t.Fatal(err)
			}
			if account.GetAnnotations()["azure.workload.identity/client-id"] == "" {
				t.Error("the account has lost its annotation")
			}
			tc.end(c, regexp.MustCompile(`Job/([\w-]+)`).FindAllString(u.Reason, -1))
			r := runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{Patience: tc.patience})
			wantStates(t, tc.again(t, r, p), cutover.RolledBack)
			c.SetWebhook(cutovertest.WebhookUp)
			if diff := cmp.Diff(origin, quiesced(c)); diff != "" {
				t.Errorf("before (-) and after the rollback (+):\n%s", diff)
			}
			wantNoHarm(t, f)
		})
	}
}

func bearsItsPod(c *cutovertest.Cluster, _ []string) {
	c.SetWebhook(cutovertest.WebhookUp)
	time.Sleep(10 * time.Minute)
}
