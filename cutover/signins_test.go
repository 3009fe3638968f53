package cutover_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestSignIns(t *testing.T) {
	switched := time.Now().Add(-30 * time.Minute).UTC()
	at := func(after time.Duration, credential string) cutover.SignIn {
		return cutover.SignIn{Time: switched.Add(after), AppID: "ABCD", FederatedCredentialID: credential, IPAddress: "10.0.0.7"}
	}
	federated, byIMDS := at(10*time.Minute, "fic"), at(11*time.Minute, "")
	twin := cutover.Unit{ID: "other/payments/api", Accounts: []cutover.Account{{Identity: catalog.Identity{ClientID: "abcd"}}}}
	for _, tc := range []struct {
		name   string
		log    []cutover.SignIn
		err    error
		change func(*cutover.Target)
		want   cutover.Result
		says   string
	}{
		{"by federated credential, and no others, passes", []cutover.SignIn{federated}, nil, nil, cutover.Pass, "1 by federated credential"},
		{"one without a federated credential fails, however many others there are", []cutover.SignIn{federated, byIMDS, federated}, nil, nil, cutover.Fail, "2 by federated credential, 1 without, at " + byIMDS.Time.Format(time.RFC3339) + " from 10.0.0.7"},
		{"an empty log never passes", nil, nil, nil, cutover.Inconclusive, "the log is minutes late"},
		{"a log that cannot be read never passes", nil, errors.New("403"), nil, cutover.Inconclusive, "cannot be read: 403"},
		{"sign-ins before the switch do not count", []cutover.SignIn{at(-time.Minute, ""), federated}, nil, nil, cutover.Pass, ""},
		{"nor those of pods on their way out", []cutover.SignIn{at(time.Minute, ""), federated}, nil, nil, cutover.Pass, ""},
		{"nor those of another identity", []cutover.SignIn{{Time: federated.Time, AppID: "other"}}, nil, nil, cutover.Inconclusive, "none yet"},
		{"before the switch there is nothing to judge", []cutover.SignIn{byIMDS}, nil, func(t *cutover.Target) { t.Switched = time.Time{} }, cutover.Pass, "by right"},
		{"just after it there is nothing to judge yet", []cutover.SignIn{federated}, nil, func(t *cutover.Target) { t.Switched = time.Now() }, cutover.Inconclusive, "only just now"},
		{"where another unit has the same identity nobody knows whose it was", []cutover.SignIn{federated, byIMDS}, nil, func(t *cutover.Target) {
			t.Plan = &cutover.Plan{Units: []cutover.Unit{*t.Unit, twin}}
		}, cutover.Inconclusive, "unit other/payments/api has the same identity"},
		{"where a blocked service account may have it, too", []cutover.SignIn{federated, byIMDS}, nil, func(t *cutover.Target) {
			t.Plan = &cutover.Plan{Blocked: []cutover.Blocked{{Cluster: "c", Namespace: "n", Accounts: []string{"a"}}}}
		}, cutover.Inconclusive, "c/n [a], may have the same identity"},
		{"where a pod is left to finish on the old path, too", []cutover.SignIn{federated, byIMDS}, nil, func(t *cutover.Target) {
			t.Cluster = readerFuncs{list: func(cutover.Selection) ([]*unstructured.Unstructured, error) {
				return []*unstructured.Unstructured{{Object: map[string]any{"kind": "Pod", "metadata": map[string]any{"name": "report-1"}}}}, nil
			}}
		}, cutover.Inconclusive, "Pod/report-1 is still on the old path"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			target := apiTarget(readerFuncs{list: func(cutover.Selection) ([]*unstructured.Unstructured, error) { return nil, nil }})
			target.Plan, target.Switched = &cutover.Plan{}, switched
			if tc.change != nil {
				tc.change(&target)
			}
			read := func(context.Context, cutover.Target, time.Time, time.Time) ([]cutover.SignIn, error) {
				return tc.log, tc.err
			}
			v := cutover.SignIns(read, nil)(t.Context(), target)
			if v.Result != tc.want || !strings.Contains(v.Evidence[0].String(), tc.says) {
				t.Errorf("%s: %s; want %s with %q", v.Result, v.Evidence[0], tc.want, tc.says)
			}
		})
	}
	if v := cutover.SignIns(nil, nil)(t.Context(), cutover.Target{}); v.Result != cutover.Inconclusive {
		t.Errorf("without a reader: %+v", v)
	}
}

func TestTheSignInLogDecidesAfterTheSwitch(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, add func(o *cutover.GateOptions, g cutover.Gate)) (rep *cutover.Report, f *cutovertest.Fleet, heard map[string]bool) {
		t.Helper()
		f, heard = cutovertest.New(&cutovertest.Options{TokenEvery: time.Minute}), map[string]bool{}
		c := f.AddCluster("aks-eastus-01", "eastus", 4)
		c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
		f.LogSignIns(7 * time.Minute)
		settle(t)
		f.ResetTally()
		p := planFor(t, f, &cutover.PlanOptions{Soak: 2 * time.Hour})
		breathe(c, "Deployment", "web", 3, 9)
		pass, g := cutovertest.PassGates(), realGates(func(o *cutover.GateOptions) { add(o, cutover.SignIns(f.SignIns, nil)) })
		g.DualPath, g.Canary, g.Unbound = pass.DualPath, pass.Canary, pass.Unbound
		told := func(e cutover.Event) {
			if e.Verdict != nil && strings.Contains(said(*e.Verdict), "V6 ServiceAccount/web") {
				heard[e.Step] = true
			}
		}
		return mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, &cutover.Options{OnEvent: told}), p), f, heard
	}
	bubble(t, "demanded, it is waited for", func(t *testing.T) {
		rep, f, heard := run(t, func(o *cutover.GateOptions, g cutover.Gate) { o.Also = []cutover.Gate{g} })
		wantStates(t, rep, cutover.Done)
		if !heard["loadAgain"] || !heard["soak"] {
			t.Errorf("V6 was heard at %v", heard)
		}
		wantNoHarm(t, f)
	})
	bubble(t, "as a witness during the soak, it is heard", func(t *testing.T) {
		rep, f, heard := run(t, func(o *cutover.GateOptions, g cutover.Gate) { o.Witnesses = []cutover.Gate{g} })
		wantStates(t, rep, cutover.Done)
		if heard["loadAgain"] || !heard["soak"] {
			t.Errorf("V6 was heard at %v", heard)
		}
		wantNoHarm(t, f)
	})
}
