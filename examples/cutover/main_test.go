package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
)

func TestTheDemonstrationMovesTheFleetAndCatchesTheSilentOne(t *testing.T) {
	var out bytes.Buffer
	var code int
	var err error
	synctest.Test(t, func(t *testing.T) { code, err = run(t.Context(), nil, &out) })
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if code != cutover.ExitDone {
		t.Errorf("exit code %d, want %d", code, cutover.ExitDone)
	}
	for _, want := range []string{"zz-legacy/ledger       RolledBack", "0 failed, 0 of a wrong identity", "On a real fleet the exit code is 5", "Timeline", "shop/web                   Done",
		"zz-legacy/ledger load fail: V4 NMI on", "loadAgain"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing from\n%s", want, out.String())
		}
	}
}

func TestWhatTheFlagsNeed(t *testing.T) {
	for _, args := range [][]string{{"-resume"}, {"-rollback"}, {"-status"}, {"-approve"}, {"-save", "plan"}, {"-rbac", "rbac"}, {"-publish", "out"}, {"-nonsense"}} {
		if code, err := run(t.Context(), args, &bytes.Buffer{}); code != cutover.ExitError || err == nil {
			t.Errorf("%v: exit code %d, error %v", args, code, err)
		}
	}
}

func TestExitCodes(t *testing.T) {
	units := func(states ...cutover.State) *cutover.Report {
		rep := &cutover.Report{}
		for _, s := range states {
			rep.Units = append(rep.Units, cutover.UnitReport{State: s})
		}
		return rep
	}
	without := func(codes ...catalog.Code) *cutover.Plan {
		p := &cutover.Plan{}
		for _, c := range codes {
			p.Blocked = append(p.Blocked, cutover.Blocked{Reasons: []cutover.Reason{{Code: c}}})
		}
		return p
	}
	stale := &cutover.UnitError{Unit: "u", Err: &cutover.StaleError{}}
	for name, tc := range map[string]struct {
		plan *cutover.Plan
		rep  *cutover.Report
		err  error
		want int
	}{
		"everything done":                       {nil, units(cutover.Done), nil, cutover.ExitDone},
		"an error":                              {nil, units(cutover.Done), errors.New("no route to host"), cutover.ExitError},
		"no report":                             {nil, nil, nil, cutover.ExitError},
		"not begun":                             {nil, units(cutover.Done, cutover.Planned), nil, cutover.ExitPending},
		"done, and a finding blocks the rest":   {without(catalog.ManyIdentities), units(cutover.Done), nil, cutover.ExitBlocked},
		"nothing to move, and a finding blocks": {without(catalog.ManyIdentities), units(), nil, cutover.ExitBlocked},
		"done, and a cluster was not read completely": {without(catalog.ManyIdentities, cutover.IncompleteCoverage), units(cutover.Done), nil, cutover.ExitIncomplete},
		"held comes before what is blocked":           {without(cutover.IncompleteCoverage), units(cutover.Done, cutover.Held), nil, cutover.ExitHeld},
		"held comes before what is not begun":         {nil, units(cutover.Held, cutover.Planned), nil, cutover.ExitHeld},
		"rolled back":                                 {nil, units(cutover.RolledBack), nil, cutover.ExitFrozen},
		"another runner won":                          {nil, units(cutover.Held), cutover.ErrFenced, cutover.ExitLocked},
		"another runner won, and a unit is frozen":    {nil, units(cutover.Held, cutover.Frozen), cutover.ErrFenced, cutover.ExitFrozen},
		"an error, and a unit is rolled back":         {nil, units(cutover.RolledBack, cutover.Held), errors.New("no route to host"), cutover.ExitFrozen},
		"the journal is taken":                        {nil, nil, cutover.ErrLocked, cutover.ExitLocked},
		"a stale plan":                                {nil, nil, stale, cutover.ExitStale},
	} {
		t.Run(name, func(t *testing.T) {
			if got := exitCode(tc.plan, tc.rep, tc.err); got != tc.want {
				t.Errorf("exit code %d, want %d", got, tc.want)
			}
		})
	}
	for name, tc := range map[string]struct {
		plan *cutover.Plan
		want int
	}{
		"nothing to do":                {without(), cutover.ExitDone},
		"a unit to move":               {&cutover.Plan{Units: make([]cutover.Unit, 1)}, cutover.ExitPending},
		"nothing that may move":        {without(catalog.ManyIdentities), cutover.ExitBlocked},
		"what was not read completely": {without(cutover.IncompleteCoverage), cutover.ExitIncomplete},
	} {
		if got := pending(tc.plan); got != tc.want {
			t.Errorf("a plan with %s: exit code %d, want %d", name, got, tc.want)
		}
	}
}
