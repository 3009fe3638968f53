package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/wimigrate/wimigrate/cutover"
)

func TestTheDemonstrationMovesTheFleetAndCatchesTheSilentOne(t *testing.T) {
	var out bytes.Buffer
	var code int
	var err error
	synctest.Test(t, func(t *testing.T) { code, err = run(t.Context(), nil, &out) })
	if err != nil {
		t.Fatal(err)
	}
	if code != cutover.ExitDone {
		t.Errorf("exit code %d, want %d", code, cutover.ExitDone)
	}
	for _, want := range []string{"zz-legacy/ledger       RolledBack", "0 failed, 0 of a wrong identity", "On a real fleet the exit code is 5", "Timeline", "shop/web                   Done"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing from\n%s", want, out.String())
		}
	}
}

func TestWhatTheFlagsNeed(t *testing.T) {
	for _, args := range [][]string{{"-resume"}, {"-rollback"}, {"-status"}, {"-nonsense"}} {
		if code, err := run(t.Context(), args, &bytes.Buffer{}); code != cutover.ExitError || err == nil {
			t.Errorf("%v: exit code %d, error %v", args, code, err)
		}
	}
}

func TestExitCodes(t *testing.T) {
	unit := func(s cutover.State) *cutover.Report { return &cutover.Report{Units: []cutover.UnitReport{{State: s}}} }
	for name, tc := range map[string]struct {
		rep  *cutover.Report
		err  error
		want int
	}{
		"everything done":      {unit(cutover.Done), nil, cutover.ExitDone},
		"held":                 {unit(cutover.Held), nil, cutover.ExitHeld},
		"rolled back":          {unit(cutover.RolledBack), nil, cutover.ExitFrozen},
		"not begun":            {unit(cutover.Planned), nil, cutover.ExitPending},
		"another runner won":   {unit(cutover.Held), cutover.ErrFenced, cutover.ExitLocked},
		"the journal is taken": {nil, cutover.ErrLocked, cutover.ExitLocked},
		"a stale plan":         {nil, &cutover.UnitError{Unit: "u", Err: &cutover.StaleError{}}, cutover.ExitStale},
	} {
		t.Run(name, func(t *testing.T) {
			if got := exitCode(nil, tc.rep, tc.err); got != tc.want {
				t.Errorf("exit code %d, want %d", got, tc.want)
			}
		})
	}
}
