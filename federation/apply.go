package federation

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"
)

// ApplyOptions are the choices of Apply.
type ApplyOptions struct {
	Pacing
	// OnEvent hears of every step: one call at a time, in order of happening, and never after Apply has returned. It must return quickly.
	OnEvent func(Event)
}

// Apply makes a plan's pending changes: those of one identity one after the other, since Azure refuses concurrent writes to it, those of
// different identities side by side, all under the published rates. Before it writes to an identity it reads it, and refuses with
// ErrStale if anything but this very plan changed it since; afterwards it reads it again. Conflicts, throttling, failures and identities
// that are not there yet are repeated; a write whose reply was lost is looked for before it is repeated.
//
// Apply goes on where one identity fails. The report is never nil and tells what became of every change; the error joins a *ChangeError or
// an *IdentityError for each failure. When ctx ends it stops between requests. Applying the same plan again resumes it, at any
// point: what is done is found. To prove the result, observe and plan again: nothing is pending.
func Apply(ctx context.Context, s Store, p *Plan, opts *ApplyOptions) (*Report, error) {
	if s == nil || p == nil {
		return &Report{}, errors.New("federation: Apply needs a store and a plan")
	}
	var o ApplyOptions
	if opts != nil {
		o = *opts
	}
	r := newRun(newAccess(s, o.Pacing), p, o.OnEvent)
	var workers errgroup.Group
	workers.SetLimit(r.access.identities)
	for _, job := range r.jobs {
		workers.Go(func() error {
			job.err = r.identity(ctx, job)
			return nil
		})
	}
	_ = workers.Wait() // each job keeps its errors
	return r.report, r.err()
}

// run is one Apply.
type run struct {
	access *access
	report *Report
	jobs   []*job
	events *events
}

// job is the work on one identity: a window of the report's outcomes.
type job struct {
	plan     IdentityPlan
	outcomes []Outcome
	err      error
}

func newRun(a *access, p *Plan, onEvent func(Event)) *run {
	r := &run{access: a, report: &Report{Plan: p.Digest(), Outcomes: make([]Outcome, len(p.Changes))}, events: &events{on: onEvent}}
	for i, c := range p.Changes {
		r.report.Outcomes[i] = Outcome{Change: c, Result: Skipped}
		if c.Action == Keep {
			r.report.Outcomes[i].Result = Unchanged
		} else {
			r.events.total++
		}
	}
	at := 0
	for id, changes := range p.ByIdentity() {
		j := &job{plan: id, outcomes: r.report.Outcomes[at : at+len(changes)]}
		at += len(changes)
		if j.pending() > 0 {
			r.jobs = append(r.jobs, j)
		}
	}
	if at < len(p.Changes) {
		// Only a plan that was put together by hand, or edited, has changes without an identity.
		r.jobs = append(r.jobs, &job{plan: IdentityPlan{ID: p.Changes[at].Identity, Blocked: "the plan does not describe the identity"},
			outcomes: r.report.Outcomes[at:]})
	}
	return r
}

func (j *job) pending() int {
	n := 0
	for i := range j.outcomes {
		if j.outcomes[i].Action != Keep {
			n++
		}
	}
	return n
}

func (r *run) err() error {
	var errs []error
	for _, j := range r.jobs {
		if j.err != nil {
			errs = append(errs, j.err)
		}
	}
	return errors.Join(errs...)
}

// events hands events to the caller one at a time.
type events struct {
	mu          sync.Mutex
	on          func(Event)
	done, total int
}

func (e *events) emit(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if ev.Type == EventDone {
		e.done++
	}
	ev.Done, ev.Total = e.done, e.total
	if e.on != nil {
		e.on(ev)
	}
}
