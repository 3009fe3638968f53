package cutover

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Status reports where the units of a plan stand. It changes nothing. A unit whose record cannot be read because its cluster does not answer
// is Held (HoldUnreachable); one whose record makes no sense is so too, and the error joins an [*UnreadableError].
//
// Of a unit with a record it tells what the journal says. One without may have lost it: it reads the unit's objects, a few requests for each,
// and tells what their breadcrumbs say, as Run and Rollback would find it. (The reports of these tell, of units that they have not come to,
// what the journal says.)
func (r *Runner) Status(ctx context.Context, p *Plan) (*Report, error) {
	rep, unknown, err := r.report(ctx, p)
	f := r.newFleetRun(p)
	var wg sync.WaitGroup
	for _, u := range unknown {
		wg.Go(func() { r.lookAt(ctx, f, p, u) })
	}
	wg.Wait()
	return rep, err
}

// report is what the journal says; unknown are the units in it that have no record.
func (r *Runner) report(ctx context.Context, p *Plan) (rep *Report, unknown []*UnitReport, err error) {
	k, err := r.records(ctx, p)
	if err != nil {
		return r.emptyReport(p), nil, err
	}
	rep, unknown = r.reportOf(k, p)
	return rep, unknown, errors.Join(k.errs...)
}

func (r *Runner) reportOf(k *known, p *Plan) (rep *Report, unknown []*UnitReport) {
	rep = r.emptyReport(p)
	for i := range rep.Units {
		u := &rep.Units[i]
		rec := k.recs[u.ID]
		switch gap := k.unreadable[u.ID]; {
		case gap != nil:
			u.unreached(gap.Error())
		case rec == nil:
			unknown = append(unknown, u)
		case rec.Plan == p.Digest:
			u.fill(rec)
		default:
			u.past(rec)
		}
		if rec != nil && rec.Failed {
			rep.Frozen = append(rep.Frozen, freezes(rec, p))
		}
	}
	for _, note := range k.notes {
		if k.counts(note) {
			rep.tellNote(note, p)
		}
	}
	return rep, unknown
}

// past tells what an older plan has left of a unit, where that keeps this one from moving it.
func (u *UnitReport) past(rec *Record) {
	switch {
	case !over(rec):
		u.Failed, u.Reason = rec.Failed, errPast(rec).Error()
	case rec.Failed:
		u.Failed, u.Reason = true, fmt.Sprintf("by plan %.12s it is %s, and freezes the fleet: %s", rec.Plan, rec.State, rec.Reason)
	}
}

// freezes says how a unit that freezes the fleet can be let go.
func freezes(rec *Record, p *Plan) string {
	what := "look into it, then thaw the unit to try again, or roll it back to leave it; the fleet moves again"
	switch {
	case rec.Plan != p.Digest && !over(rec):
		what = fmt.Sprintf("roll it back with its own plan, %.12s", rec.Plan)
	case rec.Plan != p.Digest:
		what = "look into it, then thaw the unit: this plan moves it from the start"
	}
	return fmt.Sprintf("%s is %s: %s: %s", rec.Unit, rec.State, rec.Reason, what)
}

func (r *Runner) emptyReport(p *Plan) *Report {
	rep := &Report{Plan: p.Digest}
	for _, u := range p.Units {
		rep.Units = append(rep.Units, UnitReport{ID: u.ID, Cluster: u.Cluster, State: Planned})
	}
	return rep
}

func (u *UnitReport) fill(rec *Record) {
	u.State, u.Reached, u.Hold, u.Reason, u.Verdicts, u.Failed = rec.State, rec.Reached, rec.Hold, rec.Reason, rec.Verdicts, rec.Failed
	for _, a := range rec.Acts {
		if a.Note != "" && a.Note != noteAlready {
			u.Left = append(u.Left, a.Edit+": "+a.Note)
		}
	}
}

// Exit codes of a program around a Runner.
const (
	ExitDone       = 0
	ExitError      = 1
	ExitPending    = 2
	ExitBlocked    = 3
	ExitHeld       = 4
	ExitFrozen     = 5
	ExitStale      = 6
	ExitLocked     = 7
	ExitIncomplete = 8
)
