package cutover

import "context"

// Status reports where the units of a plan stand, from the journal alone. It changes nothing.
func (r *Runner) Status(ctx context.Context, p *Plan) (*Report, error) {
	recs, err := r.records(ctx, p)
	if err != nil {
		return r.emptyReport(p), err
	}
	rep := r.emptyReport(p)
	for i := range rep.Units {
		if rec := recs[rep.Units[i].ID]; rec != nil && rec.Plan == p.Digest {
			rep.Units[i].fill(rec)
		}
	}
	return rep, nil
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
