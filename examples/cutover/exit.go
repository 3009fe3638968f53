package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/wimigrate/wimigrate/cutover"
)

// exitCode says in one number how a run ended: by what went worst. A unit that is frozen or rolled back comes first, whatever else there is:
// a person must look.
func exitCode(p *cutover.Plan, rep *cutover.Report, err error) int {
	switch {
	case someIn(rep, cutover.Frozen, cutover.RollingBack, cutover.RolledBack), rep != nil && len(rep.Frozen) > 0:
		return cutover.ExitFrozen
	case errors.Is(err, cutover.ErrFenced) || errors.Is(err, cutover.ErrLocked):
		return cutover.ExitLocked
	case errors.Is(err, cutover.ErrPlanChanged):
		return cutover.ExitStale
	case err != nil || rep == nil:
		return cutover.ExitError
	case someIn(rep, cutover.Held):
		return cutover.ExitHeld
	case slices.ContainsFunc(rep.Units, func(u cutover.UnitReport) bool { return u.State != cutover.Done }):
		return cutover.ExitPending
	}
	return blocked(p)
}

// someIn reports whether a unit is in one of the states.
func someIn(rep *cutover.Report, states ...cutover.State) bool {
	return rep != nil && slices.ContainsFunc(rep.Units, func(u cutover.UnitReport) bool { return slices.Contains(states, u.State) })
}

// pending is the exit code of a plan that was only shown.
func pending(p *cutover.Plan) int {
	if code := blocked(p); code == cutover.ExitIncomplete || len(p.Units) == 0 {
		return code
	}
	return cutover.ExitPending
}

// blocked is the exit code of what a plan leaves out: a cluster that was not read counts for more than findings.
func blocked(p *cutover.Plan) int {
	if p == nil || len(p.Blocked) == 0 {
		return cutover.ExitDone
	}
	for _, b := range p.Blocked {
		if slices.ContainsFunc(b.Reasons, func(r cutover.Reason) bool { return r.Code == cutover.IncompleteCoverage }) {
			return cutover.ExitIncomplete
		}
	}
	return cutover.ExitBlocked
}

func printReport(out io.Writer, rep *cutover.Report) {
	fmt.Fprintln(out, "\nWhere the units stand:")
	for _, u := range rep.Units {
		fmt.Fprintf(out, "  %-40s %-12s %s\n", u.ID, u.State, u.Reason)
		for _, left := range u.Left {
			fmt.Fprintf(out, "  %-40s   left alone: %s\n", "", left)
		}
	}
	for _, f := range rep.Frozen {
		fmt.Fprintf(out, "The fleet is frozen: %s\n", f)
	}
}
