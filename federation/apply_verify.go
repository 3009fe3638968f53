package federation

import (
	"context"
	"errors"
	"fmt"
)

// verify reads the identity back until it shows every change that was written; services may show the state before a write for a while.
func (r *run) verify(ctx context.Context, j *job) error {
	var open []*Outcome
	for i := range j.outcomes {
		if o := &j.outcomes[i]; !o.Written.IsZero() {
			open = append(open, o)
		}
	}
	if len(open) == 0 {
		return nil
	}
	_, err := r.access.repeat(ctx, OpList, j.plan.Identity, func(attempt) {}, func() error {
		current, err := r.access.store.List(ctx, j.plan.Identity)
		if err != nil {
			return err
		}
		rest := open[:0]
		for _, o := range open {
			if done(&o.Change, current) {
				r.settle(o, Applied, nil)
			} else {
				rest = append(rest, o)
			}
		}
		if open = rest; len(open) > 0 {
			return ErrNotVisible
		}
		return nil
	})
	if err == nil {
		return nil
	}
	result := Failed
	if ctx.Err() != nil {
		result = Unknown
	}
	var errs []error
	for _, o := range open {
		errs = append(errs, r.fail(o, result, err))
	}
	return errors.Join(errs...)
}

// settle gives a change its result.
func (r *run) settle(o *Outcome, result Result, err error) {
	o.Result = result
	if err != nil {
		o.Error = err.Error()
	}
	r.events.emit(Event{Type: EventDone, Change: o.Change, Attempt: o.Attempts, Result: result, Error: o.Error})
}

// fail gives a change a result that is an error, and returns it typed.
func (r *run) fail(o *Outcome, result Result, err error) error {
	r.settle(o, result, err)
	return &ChangeError{Change: o.Change, Attempts: o.Attempts, Err: err}
}

// skip gives what follows a hopeless failure its result.
func (r *run) skip(outcomes []Outcome, cause error) []error {
	var errs []error
	for i := range outcomes {
		o := &outcomes[i]
		if o.Action == Keep {
			continue
		}
		if cause == nil {
			r.settle(o, Skipped, errors.New("an earlier change of the identity failed for good"))
			continue
		}
		errs = append(errs, r.fail(o, Skipped, cause))
	}
	return errs
}

// refuse gives all changes of an identity one result.
func (r *run) refuse(j *job, result Result, err error) error {
	for i := range j.outcomes {
		if o := &j.outcomes[i]; o.Action != Keep {
			r.settle(o, result, err)
		}
	}
	return &IdentityError{Identity: j.plan.ID, Err: fmt.Errorf("%d changes not made: %w", j.pending(), err)}
}
