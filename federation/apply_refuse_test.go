package federation_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

// applyOne plans for the fleet of one need against an empty cloud, lets the case meddle, and applies.
func applyOne(t *testing.T, opts *federationtest.CloudOptions, region string, meddle func(*federationtest.Cloud, *federation.Plan)) (*federation.Report, *federationtest.Cloud, error) {
	t.Helper()
	cloud := federationtest.NewCloud(opts)
	cloud.Add(managed("id-cart"), region)
	p := mustPlan(t, one(), cloud.State(), nil)
	if meddle != nil {
		meddle(cloud, p)
	}
	report, err := federation.Apply(t.Context(), cloud.Store(), p, nil)
	return report, cloud, err
}

func TestApplyRefusesAndExplains(t *testing.T) {
	put := func(c federation.Credential) func(*federationtest.Cloud, *federation.Plan) {
		return func(cloud *federationtest.Cloud, _ *federation.Plan) {
			if err := cloud.Store().Put(context.Background(), managed("id-cart"), c); err != nil {
				panic(err)
			}
		}
	}
	answer := func(status int, code string) *federationtest.CloudOptions {
		return &federationtest.CloudOptions{Fault: federationtest.First(federation.OpPut, 1<<30, federationtest.Fault{Status: status, Code: code})}
	}
	for _, tc := range []struct {
		name   string
		cloud  *federationtest.CloudOptions
		region string
		meddle func(*federationtest.Cloud, *federation.Plan)
		want   error
		result federation.Result
		writes int // that reach the service after the meddling
	}{
		{name: "somebody added a credential since", meddle: put(credential("other", 5, "x")), want: federation.ErrStale, result: federation.Refused},
		{name: "somebody took the name since", meddle: put(credential(derived, 5, "x")), want: federation.ErrStale, result: federation.Refused},
		{name: "the plan is blocked", meddle: func(_ *federationtest.Cloud, p *federation.Plan) { p.Identities[0].Blocked = "too many" }, want: federation.ErrBlocked, result: federation.Refused},
		{name: "the plan was edited into something illegal", meddle: func(_ *federationtest.Cloud, p *federation.Plan) { p.Changes[0].Credential.Issuer = "http://evil" }, result: federation.Refused},
		{name: "the plan does not describe the identity", meddle: func(_ *federationtest.Cloud, p *federation.Plan) { p.Identities = nil }, want: federation.ErrBlocked, result: federation.Refused},
		{name: "the region does not support it", region: "malaysiasouth", want: federation.ErrUnsupportedRegion, result: federation.Failed, writes: 1},
		{name: "no permission", cloud: answer(http.StatusForbidden, "AuthorizationFailed"), want: federation.ErrForbidden, result: federation.Failed, writes: 1},
		{name: "a policy denies it", cloud: answer(http.StatusForbidden, "RequestDisallowedByPolicy"), want: federation.ErrForbidden, result: federation.Failed, writes: 1},
		{name: "the service refuses the content", cloud: answer(http.StatusBadRequest, "BadRequest"), want: federation.ErrInvalid, result: federation.Failed, writes: 1},
		{name: "the name is taken at Graph", cloud: answer(http.StatusConflict, federation.CodeGraphSameKey), want: federation.ErrNameTaken, result: federation.Failed, writes: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				if tc.region == "" {
					tc.region = "eastus"
				}
				before := 0
				report, cloud, err := applyOne(t, tc.cloud, tc.region, func(c *federationtest.Cloud, p *federation.Plan) {
					if tc.meddle != nil {
						tc.meddle(c, p)
					}
					before = len(c.Calls())
				})
				if err == nil || tc.want != nil && !errors.Is(err, tc.want) {
					t.Errorf("error: %v, want %v", err, tc.want)
				}
				if o := report.Outcomes[0]; o.Result != tc.result || o.Error == "" {
					t.Errorf("outcome: %+v, want %s", o, tc.result)
				}
				writes := 0
				for _, c := range cloud.Calls()[before:] {
					if c.Op != federation.OpList {
						writes++
					}
				}
				if writes != tc.writes || report.Complete() {
					t.Errorf("%d writes, want %d; complete: %v", writes, tc.writes, report.Complete())
				}
			})
		})
	}
}

func TestApplyWaitsForAnIdentityThatIsNotThereYet(t *testing.T) {
	bubble(t, func(t *testing.T) {
		report, _, err := applyOne(t, &federationtest.CloudOptions{ParentDelay: 3 * time.Minute}, "eastus", nil)
		if err != nil || !report.Complete() {
			t.Errorf("%+v, %v", report, err)
		}
	})
}

func TestApplyGivesUpWhenPatienceEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		start := time.Now()
		_, _, err := applyOne(t, &federationtest.CloudOptions{ParentDelay: 24 * time.Hour}, "eastus", nil)
		if !errors.Is(err, federation.ErrParentNotFound) {
			t.Errorf("error: %v", err)
		}
		if d := time.Since(start); d < 8*time.Minute || d > 12*time.Minute {
			t.Errorf("gave up after %v, the default patience is 10 min", d)
		}
		if identity, ok := errors.AsType[*federation.IdentityError](err); !ok || identity.Identity != managed("id-cart").ResourceID {
			t.Errorf("error %v does not carry the identity", err)
		}
	})
}

func TestApplyDoesNotSpendItsPatienceInTheQueue(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cat := wide(20, 1)
		failed := map[string]bool{}
		cloud := federationtest.NewCloud(&federationtest.CloudOptions{Fault: func(c federationtest.Call) *federationtest.Fault {
			if c.Op != federation.OpPut || failed[c.Credential] {
				return nil
			}
			failed[c.Credential] = true
			return federationtest.ConflictFault()
		}})
		cloud.AddAll(cat, "eastus")
		pacing := federation.Pacing{ARM: &federation.Rates{Put: federation.Rate{Subscription: 0.01}}} // each turn comes after half an hour
		report, err := federation.Apply(t.Context(), cloud.Store(), mustPlan(t, cat, cloud.State(), nil), &federation.ApplyOptions{Pacing: pacing})
		if err != nil || !report.Complete() {
			t.Error(err)
		}
	})
}

func TestApplyObeysRetryAfter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		opts := &federationtest.CloudOptions{Fault: federationtest.First(federation.OpPut, 1, federationtest.Fault{Status: 429, RetryAfter: 77 * time.Second})}
		_, cloud, err := applyOne(t, opts, "eastus", nil)
		if err != nil {
			t.Fatal(err)
		}
		var at []time.Time
		for _, c := range cloud.Calls() {
			if c.Op == federation.OpPut {
				at = append(at, c.At)
			}
		}
		if len(at) != 2 || at[1].Sub(at[0]) < 77*time.Second {
			t.Errorf("attempts at %v", at)
		}
	})
}

func TestApplyDoesNotWaitLongerThanItsPatienceForAnyone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		start := time.Now()
		_, _, err := applyOne(t, &federationtest.CloudOptions{Fault: federationtest.First(federation.OpPut, 1, federationtest.Fault{Status: 429, RetryAfter: 24 * time.Hour})}, "eastus", nil)
		if !errors.Is(err, federation.ErrThrottled) || time.Since(start) > 11*time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestApplyLooksBeforeItRepeatsAWriteOfUnknownFate(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var cloud *federationtest.Cloud
		theirs := credential(derived, 5, "x")
		cloud = federationtest.NewCloud(&federationtest.CloudOptions{Fault: func(c federationtest.Call) *federationtest.Fault {
			if c.Op == federation.OpPut && c.OpN == 1 {
				return &federationtest.Fault{DropRequest: true, Delay: time.Minute} // meanwhile somebody else takes the name
			}
			return nil
		}})
		cloud.Add(managed("id-cart"), "eastus")
		p := mustPlan(t, one(), cloud.State(), nil)
		go func() {
			time.Sleep(30 * time.Second)
			cloud.Add(managed("id-cart"), "eastus", theirs)
		}()
		_, err := federation.Apply(t.Context(), cloud.Store(), p, nil)
		if !errors.Is(err, federation.ErrStale) {
			t.Errorf("error: %v", err)
		}
		if got := cloud.State()[managed("id-cart").Key()]; len(got) != 1 || got[0] != theirs {
			t.Errorf("what somebody else wrote was overwritten: %+v", got)
		}
	})
}

func TestApplyFindsAWriteWhoseReplyWasLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		report, cloud, err := applyOne(t, &federationtest.CloudOptions{Fault: federationtest.First(federation.OpPut, 1<<30, federationtest.Fault{DropReply: true})}, "eastus", nil)
		writes := 0
		for _, c := range cloud.Calls() {
			if c.Op == federation.OpPut {
				writes++
			}
		}
		if err != nil || report.Count(federation.Applied) != 1 || writes != 1 {
			t.Errorf("%d writes, %+v, %v", writes, report, err)
		}
	})
}

func TestApplyDoesNotTakeAWriteForDoneThatNobodySees(t *testing.T) {
	bubble(t, func(t *testing.T) {
		report, _, err := applyOne(t, &federationtest.CloudOptions{Lag: 24 * time.Hour}, "eastus", nil)
		if !errors.Is(err, federation.ErrNotVisible) || report.Complete() {
			t.Errorf("%+v, %v", report, err)
		}
	})
}

func TestApplyGoesOnWhereOneIdentityFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cloud := federationtest.NewCloud(nil)
		cloud.AddAll(small(), "eastus")
		cloud.Add(managed("id-batch"), "newzealandnorth")
		report, err := federation.Apply(t.Context(), cloud.Store(), mustPlan(t, small(), cloud.State(), nil), nil)
		change, ok := errors.AsType[*federation.ChangeError](err)
		if !ok || change.Change.Identity != managed("id-batch").ResourceID || change.Attempts != 1 {
			t.Errorf("error: %v", err)
		}
		if report.Count(federation.Applied) != 4 || report.Count(federation.Failed) != 1 {
			t.Errorf("report: %+v", report)
		}
	})
}

func TestApplyStopsWhenItsContextEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cat := wide(3, 1)
		cloud := federationtest.NewCloud(&federationtest.CloudOptions{Latency: 100 * time.Millisecond})
		cloud.AddAll(cat, "eastus")
		p := mustPlan(t, cat, cloud.State(), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		report, err := federation.Apply(ctx, cloud.Store(), p, nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 11*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if report.Count(federation.Skipped) == 0 || report.Count(federation.Unknown) == 0 || report.Complete() {
			t.Errorf("skipped %d, unknown %d", report.Count(federation.Skipped), report.Count(federation.Unknown))
		}
		resumed, err := federation.Apply(t.Context(), cloud.Store(), p, nil)
		if err != nil || !resumed.Complete() || resumed.Count(federation.Found) == 0 {
			t.Errorf("resumed: %v", err)
		}
	})
}

func TestApplyThatRunsOutOfTimeSaysWhatStoodInItsWay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cloud := federationtest.NewCloud(&federationtest.CloudOptions{Fault: federationtest.First(federation.OpPut, 1<<30, federationtest.Fault{Status: http.StatusTooManyRequests, Code: "TooManyRequests"})})
		cloud.Add(managed("id-cart"), "eastus")
		p := mustPlan(t, one(), cloud.State(), nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		report, err := federation.Apply(ctx, cloud.Store(), p, nil)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, federation.ErrThrottled) {
			t.Errorf("error: %v", err)
		}
		if o := report.Outcomes[0]; o.Result != federation.Unknown || !strings.Contains(o.Error, "TooManyRequests") || strings.Contains(o.Error, "\n") {
			t.Errorf("outcome %s: %q", o.Result, o.Error)
		}
	})
}

func TestApplyReportsEveryStepOneAtATime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cat := wide(20, 4)
		cloud := federationtest.NewCloud(&federationtest.CloudOptions{Fault: federationtest.Mix{Conflict: 0.2}.Random(3)})
		cloud.AddAll(cat, "eastus")
		var events []federation.Event // no lock: the calls do not overlap
		_, err := federation.Apply(t.Context(), cloud.Store(), mustPlan(t, cat, cloud.State(), nil), &federation.ApplyOptions{OnEvent: func(e federation.Event) { events = append(events, e) }})
		if err != nil {
			t.Fatal(err)
		}
		done := 0
		for _, e := range events {
			if e.Type == federation.EventDone {
				done++
			}
			if e.Done != done || e.Total != 200 {
				t.Fatalf("event says %d of %d after %d", e.Done, e.Total, done)
			}
		}
		if done != 200 || !slices.ContainsFunc(events, func(e federation.Event) bool { return e.Type == federation.EventRetry && e.Wait > 0 && e.Error != "" }) {
			t.Errorf("%d done, %d events", done, len(events))
		}
	})
}

func TestApplyNeverWritesTwiceAtOnceToOneIdentity(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cat := wide(50, 2)
		cloud := federationtest.NewCloud(&federationtest.CloudOptions{Latency: 10 * time.Second}) // far slower than the pace
		cloud.AddAll(cat, "eastus")
		if _, err := federation.Apply(t.Context(), cloud.Store(), mustPlan(t, cat, cloud.State(), nil), nil); err != nil {
			t.Fatal(err)
		}
		if refused := cloud.Refused(); len(refused) != 0 {
			t.Errorf("conflicts that we caused: %v", refused)
		}
	})
}

func TestObserveReturnsWhatItCouldRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cat := small()
		cloud := federationtest.NewCloud(nil)
		cloud.AddAll(cat, "eastus")
		cat.Needs = append(cat.Needs, need("aks-eastus", "lost", "sa", managed("id-gone")))
		have, err := federation.Observe(t.Context(), cloud.Store(), cat, &federation.ObserveOptions{Topology: federation.PerWorkload()})
		gone, ok := errors.AsType[*federation.IdentityError](err)
		if !ok || gone.Identity != managed("id-gone").ResourceID || !errors.Is(err, federation.ErrParentNotFound) {
			t.Errorf("error: %v", err)
		}
		if len(have) != 4 {
			t.Errorf("read %d identities, want the four that exist", len(have))
		}
		if _, ok := have[managed("id-gone").Key()]; ok {
			t.Error("an identity that was not read must be absent")
		}
	})
}

var _ federation.Store = (*killer)(nil)
