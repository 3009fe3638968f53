package cutover

import (
	"context"
	"errors"
	"fmt"
)

// UnreadableError says that a [Journal] could not read the record of a unit, or any record of a cluster (then Unit is empty). The units that it
// speaks of are reported as Held ([HoldUnreachable]); the others go on.
type UnreadableError struct {
	Key
	Err error
}

// Error names what could not be read.
func (e *UnreadableError) Error() string {
	if e.Unit == "" {
		return fmt.Sprintf("cutover: the journal in cluster %s cannot be read: %v", e.Cluster, e.Err)
	}
	return fmt.Sprintf("cutover: the journal record of %s cannot be read: %v", e.Unit, e.Err)
}

// Unwrap returns the cause.
func (e *UnreadableError) Unwrap() error { return e.Err }

// known is what the journal tells about the units of a plan.
type known struct {
	recs       map[string]*Record          // by unit
	unreadable map[string]*UnreadableError // by unit; such a unit may have a record
	notes      []*Record                   // of units that have failed
	errs       []error                     // what could be read and makes no sense: a cluster that does not answer is no error
}

// records reads the journal. What cannot be read is no error here: it is in the outcome.
func (r *Runner) records(ctx context.Context, p *Plan) (*known, error) {
	all, err := r.journal.List(ctx)
	gaps, rest := splitUnreadable(err)
	if rest != nil {
		return nil, rest
	}
	k := &known{recs: map[string]*Record{}, unreadable: map[string]*UnreadableError{}}
	for _, rec := range all {
		switch {
		case rec.Failure != nil && p.Unit(rec.Failure.Unit) != nil:
			k.notes = append(k.notes, rec)
		case rec.Failure == nil && p.Unit(rec.Unit) != nil:
			k.recs[rec.Unit] = rec
		}
	}
	for _, gap := range gaps {
		if _, away := errors.AsType[*stop](gap.Err); !away {
			k.errs = append(k.errs, gap)
		}
		for _, u := range p.Units {
			if gap.Unit == u.ID || gap.Unit == "" && gap.Cluster == u.Cluster && k.recs[u.ID] == nil {
				k.unreadable[u.ID] = gap
			}
		}
	}
	return k, nil
}

// splitUnreadable takes joined errors apart: those that speak of one cluster or unit, and any other.
func splitUnreadable(err error) (gaps []*UnreadableError, rest error) {
	switch e := err.(type) { //nolint:errorlint // it looks at the tree itself, so that nothing in it is missed
	case nil:
	case *UnreadableError:
		gaps = append(gaps, e)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			more, other := splitUnreadable(one)
			gaps, rest = append(gaps, more...), errors.Join(rest, other)
		}
	default:
		rest = err
	}
	return gaps, rest
}

// unreached reports a unit that nobody could look at.
func (u *UnitReport) unreached(reason string) {
	u.State, u.Hold, u.Reason = Held, HoldUnreachable, reason
}
