package cutover

import (
	"context"
	"time"
)

// loadRun is one load window, or several in a row, under one deadline.
type loadRun struct {
	t     Target
	o     LoadOptions
	sight *loadSight
	quiet loadQuiet

	began, opened, deadline time.Time
	looks                   int
	nodes                   nodeSet
	also                    []Verdict
	probed                  Verdict
	induced                 bool
	notes, unprobed         []Evidence // why nothing was induced, and nothing probed
	// reopened says why the window last opened anew.
	reopened string
}

func newLoadRun(t Target, o LoadOptions) *loadRun {
	return &loadRun{t: t, o: o, sight: newLoadSight(t)}
}

const loadGate = "load"

// watch follows the unit until the gate can tell.
func (r *loadRun) watch(ctx context.Context) Verdict {
	if len(r.t.Workloads) == 0 {
		return unseen(loadGate, "load", "the unit has no workload that could be under load")
	}
	r.began = time.Now()
	r.deadline = r.began.Add(r.o.Deadline)
	following, cancel := context.WithCancel(ctx)
	feed := follow(following, r.t.Cluster, r.sight.selections())
	defer func() {
		cancel()
		<-feed.done
	}()
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		look := false
		select {
		case <-ctx.Done():
			return r.stopped(ctx)
		case <-feed.wake:
		case <-next.C:
			look = true
		}
		events, err := feed.take()
		if err != nil {
			if ctx.Err() != nil {
				return r.stopped(ctx)
			}
			return unseen(loadGate, "load", "the watch ended: "+err.Error())
		}
		for _, e := range events {
			r.sight.observe(e, time.Now())
		}
		if v, done := r.step(ctx, look); done {
			return v
		}
		if look {
			next.Reset(min(r.o.LookEvery, max(time.Until(r.deadline), 0)))
		}
	}
}

// step does what is due: open the window, judge pods as they are born, and look.
func (r *loadRun) step(ctx context.Context, look bool) (Verdict, bool) {
	if !r.sight.synced {
		return r.overdue(look)
	}
	if r.opened.IsZero() {
		if err := r.open(ctx); err != nil {
			return unseen(loadGate, "load", err.Error()), true
		}
	}
	if r.sight.changed != "" {
		return unseen(loadGate, "load", r.sight.changed), true
	}
	if r.sight.lost != "" {
		if v, done := r.reopen(ctx, r.sight.lost); done {
			return v, true
		}
	}
	if err := r.sight.walkOrphans(ctx); err != nil {
		return unseen(loadGate, "load", err.Error()), true
	}
	r.judgeBirths(ctx)
	if v := r.failure(); v.Result == Fail {
		return v, true
	}
	if why := r.blurred(); why != "" {
		if v, done := r.reopen(ctx, why); done {
			return v, true
		}
	}
	if !look {
		return Verdict{}, false
	}
	return r.look(ctx)
}

// open opens the window on what is there now.
func (r *loadRun) open(ctx context.Context) error {
	nodes, err := r.readNodes(ctx)
	if err != nil {
		return err
	}
	r.nodes, r.opened, r.looks = nodes, time.Now(), 0
	r.quiet = loadQuiet{}
	if !r.o.birthsOnly {
		r.quiet.read(ctx, r.t)
	}
	for _, y := range r.sight.tallies {
		y.need, y.nodes = r.requirement(y)
	}
	return nil
}

// reopen opens the window anew. What was induced cannot be induced twice, so then it ends.
func (r *loadRun) reopen(ctx context.Context, why string) (Verdict, bool) {
	if r.reopened = why; r.induced || r.hasProbes() || !time.Now().Before(r.deadline) {
		return r.judge(), true
	}
	r.sight.reopen()
	if err := r.open(ctx); err != nil {
		return unseen(loadGate, "load", err.Error()), true
	}
	return Verdict{}, false
}

func (r *loadRun) stopped(ctx context.Context) Verdict {
	return stopped(r.judge(), context.Cause(ctx))
}
