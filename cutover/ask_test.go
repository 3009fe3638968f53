package cutover_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/federation"
)

// unanswering is a world that takes every question and answers none, until whoever asks gives up.
type unanswering struct{}

func (unanswering) OldPath(ctx context.Context, _, _ string) ([]cutover.NMIReading, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (unanswering) Pods(ctx context.Context, _, _ string, _ []string) ([]cutover.PodPath, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (unanswering) Exchange(ctx context.Context, _ cutover.ExchangeRequest) (cutover.Claims, error) {
	<-ctx.Done()
	return cutover.Claims{}, ctx.Err()
}

func (unanswering) List(ctx context.Context, _ catalog.Identity) ([]federation.Credential, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Whoever does not answer holds the unit: he does not stop the gate, which has other things to see to, such as the end of induced load.
func TestAQuestionWithoutAnAnswerHoldsAUnitInTime(t *testing.T) {
	for _, tc := range []struct {
		name   string
		mute   func(o *cutover.Options)
		reason string
		within time.Duration
		raised bool
	}{
		{"what identities trust", func(o *cutover.Options) { o.Trust = unanswering{} }, "no answer in time", 5 * time.Minute, false},
		{"Entra, where trust is proven", func(o *cutover.Options) { o.Exchanger = unanswering{} }, "V3", 20 * time.Minute, false},
		{"the witness of the paths, under induced load", func(o *cutover.Options) { o.Oracle = unanswering{} }, "no answer in time", 80 * time.Minute, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, c := oneApp(t, cutovertest.App{HPA: true})
				was := c.Dump()["HorizontalPodAutoscaler/shop/web"]["spec"]
				p := planFor(t, f, &cutover.PlanOptions{Soak: time.Hour, Limits: cutover.Limits{InducePods: 20}})
				var events []string
				o := &cutover.Options{Trust: f, Exchanger: f, Oracle: f, OnEvent: func(e cutover.Event) { events = append(events, e.Message) }}
				tc.mute(o)
				r, err := cutover.NewRunner(f.Clusters(), cutovertest.NewJournal(), realGates(nil), o)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), tc.within)
				defer cancel()
				rep, err := r.Run(ctx, p)
				if err != nil || ctx.Err() != nil {
					t.Fatalf("%v (%v)", err, ctx.Err())
				}
				for _, u := range rep.Units {
					if u.State == cutover.Done || !strings.Contains(u.Reason, tc.reason) {
						t.Errorf("%s: %s", u.State, u.Reason)
					}
				}
				if raised := slices.Contains(events, "patch HorizontalPodAutoscaler/web"); raised != tc.raised {
					t.Errorf("the HPA was raised: %v, want %v", raised, tc.raised)
				}
				if d := cmp.Diff(was, c.Dump()["HorizontalPodAutoscaler/shop/web"]["spec"]); d != "" {
					t.Error(d)
				}
			})
		})
	}
}
