package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
)

// identity makes the changes of one identity.
func (r *run) identity(ctx context.Context, j *job) error {
	if j.plan.Blocked != "" {
		return r.refuse(j, Refused, fmt.Errorf("%w: %s", ErrBlocked, j.plan.Blocked))
	}
	for i := range j.outcomes {
		if c := &j.outcomes[i]; c.Action == Create || c.Action == Replace {
			if err := c.Credential.Validate(); err != nil {
				return r.refuse(j, Refused, err)
			}
		}
	}
	current, err := r.list(ctx, j)
	if err != nil {
		return r.refuse(j, Skipped, err)
	}
	if err := fresh(j, current); err != nil {
		return r.refuse(j, Refused, err)
	}
	var errs []error
	for i, first := 0, true; i < len(j.outcomes); i++ {
		o := &j.outcomes[i]
		if o.Action == Keep {
			continue
		}
		if err := r.next(ctx, j, o, current, first); err != nil {
			errs = append(errs, err)
			if hopeless(ctx, err) {
				errs = append(errs, r.skip(j.outcomes[i+1:], ctx.Err())...)
				break
			}
		}
		first = first && o.Attempts == 0
	}
	return errors.Join(append(errs, r.verify(ctx, j))...)
}

// next makes one change. Between the writes to an identity lie seconds, in which somebody else may take the name, and Azure has no
// conditional write: so all writes but the first look again just before. The listing has its own rate and delays no write.
func (r *run) next(ctx context.Context, j *job, o *Outcome, current []Credential, first bool) error {
	if !first && !done(&o.Change, current) && ctx.Err() == nil {
		now, err := r.list(ctx, j)
		if err != nil && ctx.Err() == nil {
			return r.fail(o, Failed, err)
		}
		if err == nil {
			current = now
		}
	}
	if err := usurped(&o.Change, current); err != nil {
		return r.fail(o, Refused, err)
	}
	return r.change(ctx, j.plan.Identity, o, current)
}

// usurped returns ErrStale if the name of a change holds what neither the plan found nor the change makes.
func usurped(c *Change, current []Credential) error {
	at := slices.IndexFunc(current, func(x Credential) bool { return strings.EqualFold(x.Name, c.Credential.Name) })
	if at < 0 || done(c, current) || c.Before != nil && current[at] == *c.Before {
		return nil
	}
	return fmt.Errorf("%w: somebody wrote credential %s meanwhile", ErrStale, c.Credential.Name)
}

// hopeless reports whether an error will meet the identity's other changes too.
func hopeless(ctx context.Context, err error) bool {
	for _, reason := range []error{ErrForbidden, ErrUnsupportedRegion, ErrParentNotFound, ErrStale} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return ctx.Err() != nil
}

func (r *run) list(ctx context.Context, j *job) ([]Credential, error) {
	return r.access.list(ctx, j.plan.Identity, nil, func(a attempt) {
		r.events.emit(Event{Type: EventRetry, Change: Change{Identity: j.plan.ID}, Attempt: a.n, Wait: a.wait, Error: a.err.Error()})
	})
}

// change makes one change, unless it is found done.
func (r *run) change(ctx context.Context, id catalog.Identity, o *Outcome, current []Credential) error {
	if done(&o.Change, current) {
		r.settle(o, Found, nil)
		return nil
	}
	if err := ctx.Err(); err != nil {
		return r.fail(o, Skipped, err)
	}
	op := OpPut
	if o.Action == Delete {
		op = OpDelete
	}
	n, err := r.access.repeat(ctx, op, id, func(a attempt) {
		r.events.emit(Event{Type: EventRetry, Change: o.Change, Attempt: a.n, Wait: a.wait, Error: a.err.Error()})
	}, func() error {
		o.Attempts++
		r.events.emit(Event{Type: EventWriting, Change: o.Change, Attempt: o.Attempts})
		err := r.write(ctx, id, &o.Change)
		if errors.Is(err, ErrUnavailable) {
			return r.lost(ctx, id, o, err)
		}
		return err
	})
	o.Attempts = n
	if err != nil && ctx.Err() != nil && n > 0 {
		return r.fail(o, Unknown, err)
	}
	if err != nil {
		return r.fail(o, Failed, err)
	}
	o.Written = time.Now()
	r.events.emit(Event{Type: EventWritten, Change: o.Change, Attempt: n})
	return nil
}

// write is the one place where this package changes anything.
func (r *run) write(ctx context.Context, id catalog.Identity, c *Change) error {
	if c.Action == Delete {
		return r.access.store.Delete(ctx, id, c.Credential.Name)
	}
	return r.access.store.Put(ctx, id, c.Credential)
}

// lost looks whether a write happened whose answer says nothing. It returns nil if it did, ErrStale if something else took the name, and
// else the error, so that it is tried again.
func (r *run) lost(ctx context.Context, id catalog.Identity, o *Outcome, failed error) error {
	if err := r.access.wait(ctx, OpList, id); err != nil {
		return failed
	}
	current, err := r.access.store.List(ctx, id)
	if err != nil {
		return failed
	}
	if done(&o.Change, current) {
		return nil
	}
	if err := usurped(&o.Change, current); err != nil {
		return err
	}
	return failed
}
