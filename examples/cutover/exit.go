package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/wimigrate/wimigrate/cutover"
)

// exitCode says in one number how a run ended: the worst of its units.
func exitCode(p *cutover.Plan, rep *cutover.Report, err error) int {
	switch {
	case errors.Is(err, cutover.ErrFenced) || errors.Is(err, cutover.ErrLocked):
		return cutover.ExitLocked
	case errors.Is(err, cutover.ErrPlanChanged):
		return cutover.ExitStale
	case err != nil || rep == nil:
		return cutover.ExitError
	}
	code := cutover.ExitDone
	for _, u := range rep.Units {
		switch u.State {
		case cutover.Done:
		case cutover.Frozen, cutover.RollingBack, cutover.RolledBack:
			return cutover.ExitFrozen
		case cutover.Held:
			code = cutover.ExitHeld
		default:
			code = max(code, cutover.ExitPending)
		}
	}
	if code == cutover.ExitDone && p != nil && len(p.Blocked) > 0 {
		return cutover.ExitBlocked
	}
	return code
}

func printReport(out io.Writer, rep *cutover.Report) {
	fmt.Fprintln(out, "\nWhere the units stand:")
	for _, u := range rep.Units {
		fmt.Fprintf(out, "  %-40s %-12s %s\n", u.ID, u.State, u.Reason)
		for _, left := range u.Left {
			fmt.Fprintf(out, "  %-40s   left alone: %s\n", "", left)
		}
	}
}
