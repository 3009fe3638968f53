package cutover

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// fleetRun is what the units of one call share.
type fleetRun struct {
	r     *Runner
	slots *slots // of those that move
	back  *slots // of those that move back
	looks looks

	once   sync.Once     // for closing frozen
	frozen chan struct{} // closed once a unit has failed

	unnoted error // failures that could not be written into the records of their units; the fleet is frozen then

	telling sync.Mutex // one event at a time, in order

	mu   sync.Mutex
	away map[string]string // why units could not be taken: their cluster does not answer
}

func (r *Runner) newFleetRun(p *Plan) *fleetRun {
	return &fleetRun{r: r, slots: newSlots(p.Limits), back: newSlots(backLimits(p.Limits, r.opts.BackAtOnce)), looks: newLooks(p),
		frozen: make(chan struct{}), away: map[string]string{}}
}

func (f *fleetRun) freeze() { f.once.Do(func() { close(f.frozen) }) }

func (f *fleetRun) isFrozen() bool {
	select {
	case <-f.frozen:
		return true
	default:
		return false
	}
}

// unreached remembers that a unit could not be taken, and says so.
func (f *fleetRun) unreached(u *Unit, reason string) {
	f.mu.Lock()
	f.away[u.ID] = reason
	f.mu.Unlock()
	f.tell(Event{Type: EventState, Unit: u.ID, Cluster: u.Cluster, State: Held, Message: reason})
}

// tellUnreached puts into a report what no journal holds: that a unit could not be taken.
func (f *fleetRun) tellUnreached(rep *Report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range rep.Units {
		if reason, ok := f.away[rep.Units[i].ID]; ok {
			rep.Units[i].unreached(reason)
		}
	}
}

func (f *fleetRun) tell(e Event) {
	f.telling.Lock()
	defer f.telling.Unlock()
	e.Time = time.Now()
	f.r.opts.Logger.Info("event", "type", string(e.Type), "cluster", e.Cluster, "unit", e.Unit, "step", e.Step, "state", string(e.State), "message", e.Message)
	if f.r.opts.OnEvent != nil {
		f.r.opts.OnEvent(e)
	}
}

// each works on units at the same time, and waits for all of them.
func (f *fleetRun) each(ids []string, work func(id string) error) error {
	errs := make([]error, len(ids))
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			if err := work(id); err != nil {
				errs[i] = &UnitError{Unit: id, Err: err}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// announce lets the units of a wave that an earlier call has left in the middle of their way have their slots first, so that no other
// unit begins in their place.
func (f *fleetRun) announce(p *Plan, w Wave, recs map[string]*Record) {
	for _, id := range w.Units {
		if u, rec := p.Unit(id), recs[id]; u != nil && rec != nil && rec.Plan == p.Digest && midway(u, rec) {
			f.slots.ask(u, true)
		}
	}
}

// bake pauses between two waves. It counts from when the last unit before the wave was Done, so that a process that takes over does not begin
// anew; by a clock that makes no sense, or where nobody knows, it is the whole time.
func (f *fleetRun) bake(ctx context.Context, p *Plan, w Wave, recs map[string]*Record) error {
	var ended time.Time
	for _, rec := range recs {
		if rec.Plan == p.Digest && rec.Ended.After(ended) {
			ended = rec.Ended
		}
	}
	left := p.Limits.Bake
	if past := time.Since(ended); !ended.IsZero() && past >= 0 {
		left -= past
	}
	if left <= 0 {
		return nil
	}
	f.tell(Event{Type: EventWave, Message: "waiting " + left.Round(time.Second).String() + " before wave " + w.Name})
	return pause.For(ctx, left)
}
