package cutover

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Run takes the units of a plan as far as they get, wave by wave; run it again to resume. It ends when every unit is Done, held or
// frozen, or when ctx ends, and then at a step boundary, with induced load restored.
//
// The report is never nil and always covers every unit. The error joins a [*UnitError] for every unit that could not be worked on, such
// as one that another runner holds (ErrFenced) or that the plan is stale for (ErrPlanChanged); a held or frozen unit is no error.
func (r *Runner) Run(ctx context.Context, p *Plan) (*Report, error) {
	f, err := r.begin(ctx, p)
	if err != nil {
		return r.emptyReport(p), err
	}
	errs := []error{f.unnoted}
	reached := 0
	for i, w := range p.Waves {
		reached = i + 1
		k, err := r.records(context.WithoutCancel(ctx), p)
		if err != nil {
			errs = append(errs, err)
			break
		}
		started, done := k.wave(p, w)
		if done {
			continue
		}
		if i > 0 && !started && !f.isFrozen() {
			if err := f.bake(ctx, p, w, k.recs); err != nil {
				break
			}
		}
		f.tell(Event{Type: EventWave, Message: fmt.Sprintf("wave %s: %d units", w.Name, len(w.Units))})
		f.announce(p, w, k.recs)
		err = f.each(w.Units, func(id string) error { return r.runUnit(ctx, f, p, id) })
		k, readErr := r.records(context.WithoutCancel(ctx), p)
		errs = append(errs, err, readErr)
		if err != nil || readErr != nil {
			break
		}
		if _, done := k.wave(p, w); !done {
			break
		}
	}
	if ctx.Err() == nil {
		errs = append(errs, r.tidy(ctx, f, p, p.Waves[reached:]))
	}
	rep, _, err := r.report(context.WithoutCancel(ctx), p)
	f.tellUnreached(rep)
	return rep, errors.Join(append(errs, err)...)
}

// begin checks the plan and what the journal holds of it.
func (r *Runner) begin(ctx context.Context, p *Plan) (*fleetRun, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	f := r.newFleetRun(p)
	k, err := r.records(ctx, p)
	if err != nil {
		return nil, err
	}
	if f.unnoted = r.adopt(ctx, k); f.unnoted != nil {
		f.freeze()
	}
	for _, rec := range k.recs {
		if rec.Failed {
			f.freeze()
		}
	}
	if slices.ContainsFunc(k.notes, k.counts) {
		f.freeze()
	}
	return f, nil
}

// wave says whether any unit of a wave was begun, and whether all are done. What cannot be read is not done.
func (k *known) wave(p *Plan, w Wave) (started, done bool) {
	done = true
	for _, id := range w.Units {
		rec := k.recs[id]
		mine := rec != nil && rec.Plan == p.Digest
		started = started || mine
		done = done && mine && rec.State == Done
	}
	return started, done
}
