package e2e_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/internal/e2e/webhook"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
)

// traps are what the cutover must see through, each in a namespace of its name.
func traps() []trap {
	onIMDS := func(r *resident) { r.Credential = workload.ManagedIdentity }
	return []trap{
		{name: "silent", sentence: "an SDK that ignores the environment is refused under load, while both paths work, and put back", shape: onIMDS,
			check: func(t *testing.T, s *snare) {
				// NMI counts a request when it has answered it, which it does once the new pod's identity is assigned.
				u := s.run(t, s.gates(func(o *cutover.GateOptions) { o.Load.Calm = 10 * time.Second }))
				want(t, u, cutover.RolledBack, "NMI")
				wantFailedAt(t, u, "load")
				s.untouched(t, 2)
			}},
		{name: "late", sentence: "what its load did not show is refused at the canary, behind which all other pods still have the old label", shape: onIMDS,
			check: func(t *testing.T, s *snare) {
				o := s.gateOptions()
				o.Quiet = 20 * time.Second // NMI counts an operation when it ends, and takes its time over a pod without the label
				g := gatesOf(o)
				g.Load = cutover.StillInjected() // which sees what the webhook did, not what the application does
				u := s.run(t, g)
				want(t, u, cutover.RolledBack, "NMI")
				wantFailedAt(t, u, "canary")
				s.untouched(t, 3)
			}},
		{name: "blind", sentence: "where nobody can tell the path, the unit is held, never passed", shape: onIMDS,
			check: func(t *testing.T, s *snare) {
				u := s.run(t, s.gates(hurried), func(o *cutover.Options) { o.Oracle = &cutover.Telemetry{Status: s.status} })
				want(t, u, cutover.Held, "")
				if u.Reached != cutover.DualPath {
					t.Errorf("it came as far as %s", u.Reached)
				}
			}},
		{name: "down", sentence: "with the webhook down nothing is written",
			prepare: func(_ *testing.T, s *snare) { s.c.Webhook.BehaveIn(s.r.Namespace, webhook.Behaviour{Down: true}) },
			check: func(t *testing.T, s *snare) {
				u := s.run(t, s.gates())
				wantStopped(t, u)
				s.untouched(t, 1)
			}},
		{name: "breaks", sentence: "a webhook that goes down after the first rollout is seen under load, and the old template comes back",
			check: func(t *testing.T, s *snare) {
				u := s.run(t, s.gates(), s.webhookDownAt(cutover.DualPath))
				want(t, u, cutover.RolledBack, "webhook")
				wantFailedAt(t, u, "load")
				s.untouched(t, 2)
			}},
		{name: "retreat", sentence: "a webhook that goes down once the old label is gone does not block the way back",
			check: func(t *testing.T, s *snare) {
				u := s.run(t, s.gates(), s.webhookDownAt(cutover.Unbound))
				want(t, u, cutover.RolledBack, "webhook")
				wantFailedAt(t, u, "loadAgain")
				s.untouched(t, 3)
			}},
		{name: "half", sentence: "a webhook that injects every second pod is refused before anything is written",
			prepare: func(_ *testing.T, s *snare) { s.c.Webhook.BehaveIn(s.r.Namespace, webhook.Behaviour{SkipEvery: 2}) },
			check: func(t *testing.T, s *snare) {
				u := s.run(t, s.gates())
				wantStopped(t, u)
				s.untouched(t, 1)
			}},
		{name: "slash", sentence: "a federated credential whose issuer lacks the slash is refused, and the difference is named",
			prepare: func(t *testing.T, s *snare) {
				s.loseSlash(t, s.r.Identity)
				token, err := s.c.Mint(t.Context(), s.r.Namespace, s.r.Name)
				if err != nil {
					t.Fatal(err)
				}
				awaitExchange(t, s.f, s.r.Identity, token, 700211) // Entra has forgotten the right one, too
			},
			check: func(t *testing.T, s *snare) {
				want(t, s.run(t, s.gates(hurried)), cutover.Frozen, "a trailing slash differs")
				u := s.run(t, s.gates(hurried, func(o *cutover.GateOptions) { o.Preflight.Skip = []string{"PF03"} })) // so that it is for the exchanges at Entra to find out
				want(t, u, cutover.Frozen, "a trailing slash differs")
				wantFailedAt(t, u, "trust")
				s.untouched(t, 1)
			}},
		{name: "shared", sentence: "two workloads on one service account move together", shape: func(r *resident) { r.Sibling = true },
			check: func(t *testing.T, s *snare) {
				if n := len(s.p.Units[0].Workloads); n != 2 {
					t.Fatalf("%d workloads in the unit", n)
				}
				want(t, s.run(t, s.gates()), cutover.Done, "")
			}},
		{name: "fight", sentence: "a tool that puts the old label back again and again freezes the unit", prepare: putBack,
			check: func(t *testing.T, s *snare) { want(t, s.run(t, s.gates()), cutover.Frozen, "put back twice") }},
		{name: "idle", sentence: "a workload that runs no pod is held for load, and never passes", shape: func(r *resident) { r.Replicas, r.MaxReplicas = 0, 0 },
			check: func(t *testing.T, s *snare) {
				g := s.gates(hurried)
				j := cutovertest.NewJournal()
				for range 2 {
					u, err := s.tryRun(t, j, g)
					if err != nil || u.Hold != cutover.HoldLoad {
						t.Errorf("held for %s: %v", u.Hold, err)
					}
					want(t, u, cutover.Held, "")
				}
			}},
		{name: "paused", sentence: "a Deployment that is paused waits for whoever paused it", prepare: func(t *testing.T, s *snare) { s.pause(t, true) },
			check: func(t *testing.T, s *snare) {
				j := cutovertest.NewJournal()
				u, err := s.tryRun(t, j, s.gates())
				if err != nil {
					t.Fatal(err)
				}
				want(t, u, cutover.Held, "paused")
				s.untouched(t, 1)
				s.pause(t, false)
				if u, err = s.tryRun(t, j, s.gates()); err != nil {
					t.Fatal(err)
				}
				want(t, u, cutover.Done, "")
			}},
		{name: "moved", sentence: "a template that runs as another service account than the plan says makes the plan stale, before anything is written",
			prepare: otherAccount, check: wantStale},
		{name: "again", sentence: "a Deployment that was deleted and made again makes the plan stale, before anything is written",
			prepare: makeAgain, check: wantStale},
		{name: "race", sentence: "of two operators one moves the unit, the other stops, and no write is made twice", check: twoOperators},
		{name: "least", sentence: "a service account that has the plan's manifest and nothing else moves a Deployment and an Argo Rollout there and back",
			shape: func(r *resident) { r.Kind, r.Steps, r.Sibling = "Rollout", halfAndOn(), true }, check: byItsManifestAlone},
		{name: "calm"}, // which one operator moves, for comparison
	}
}

// wantFailedAt judges which step's gate failed.
func wantFailedAt(t *testing.T, u cutover.UnitReport, step string) {
	t.Helper()
	failed := ""
	for _, v := range u.Verdicts {
		if v.Result == cutover.Fail {
			failed += v.Step + " "
		}
	}
	if !strings.HasPrefix(failed, step) || strings.Count(failed, " ") != 1 {
		t.Errorf("failed at %q, want %s", failed, step)
	}
}

// wantStopped judges that a unit has stopped where it began.
func wantStopped(t *testing.T, u cutover.UnitReport) {
	t.Helper()
	if u.State != cutover.Held && u.State != cutover.Frozen || !strings.Contains(u.Reason, "webhook") && !strings.Contains(u.Reason, "V1") {
		t.Errorf("%s is %s: %s; want it held or frozen for the webhook", u.ID, u.State, u.Reason)
	}
	if u.Reached != cutover.Planned {
		t.Errorf("it came as far as %s", u.Reached)
	}
}
