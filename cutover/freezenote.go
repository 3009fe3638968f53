package cutover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Failure names a unit that has failed, in a record of its own: the cluster that holds the unit's record may not answer, now or in the next run,
// and the freeze must hold nevertheless.
type Failure struct {
	Key
	// Epoch is that of the unit's record when it failed.
	Epoch int64 `json:"epoch"`
}

// noteWithin bounds the writing of one note.
const noteWithin = 30 * time.Second

// noteKey is where the note about a unit lies in a cluster.
func noteKey(cluster, unit string) Key { return Key{Cluster: cluster, Unit: "freeze/" + unit} }

// freezeNotes are what is to be written into every other cluster: that the unit has failed.
func (u *unitRun) freezeNotes(s State, reason string) (notes []*Record) {
	seen := map[string]bool{u.unit.Cluster: true}
	for _, other := range u.plan.Units {
		if seen[other.Cluster] {
			continue
		}
		seen[other.Cluster] = true
		notes = append(notes, &Record{
			Key: noteKey(other.Cluster, u.unit.ID), Schema: Schema, Lineage: u.plan.Lineage, Plan: u.plan.Digest, Namespace: u.unit.Namespace,
			Actor: u.rec.Actor, State: s, Reached: Planned, Reason: reason, Failed: true, Failure: &Failure{u.rec.Key, u.rec.Epoch},
		})
	}
	return notes
}

// putNotes writes notes of one failure. It returns an error only where none could be written.
func (r *Runner) putNotes(ctx context.Context, notes []*Record) error {
	errs := make([]error, len(notes))
	var wg sync.WaitGroup
	for i, n := range notes {
		wg.Go(func() { errs[i] = r.putNote(ctx, n) })
	}
	wg.Wait()
	if slices.Contains(errs, nil) {
		return nil
	}
	return errors.Join(append(errs, errors.New("the freeze is noted in no other cluster"))...)
}

// putNote stores a note over the one that is there, unless that is about a failure since.
func (r *Runner) putNote(ctx context.Context, note *Record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteWithin)
	defer cancel()
	return repeat(ctx, func() error {
		switch was, err := r.journal.Load(ctx, note.Key); {
		case err == nil && was.Failed && was.Failure != nil && was.Failure.Epoch > note.Failure.Epoch:
			return nil
		case err == nil:
			note.Version = was.Version
		case !errors.Is(err, ErrNoRecord):
			return err
		}
		return r.journal.Save(ctx, note)
	})
}

// counts reports whether a note still freezes the fleet: not once its unit's own record says as much, or a person has looked at the unit since,
// or it has come to its end since.
func (k *known) counts(note *Record) bool {
	own := k.recs[note.Failure.Unit]
	return note.Failed && (own == nil || !own.Failed && own.Plan == note.Plan && own.State != Done && own.Cleared <= note.Failure.Epoch)
}

// adopt writes what was noted of units into their own records, where these can be read again, and takes back notes that are spent.
func (r *Runner) adopt(ctx context.Context, k *known) error {
	var errs []error
	for _, note := range k.notes {
		own := k.recs[note.Failure.Unit]
		switch {
		case own == nil || !note.Failed || own.Failed:
		case !k.counts(note):
			r.dropNote(ctx, note)
		default:
			next := *own
			next.Failed, next.State, next.Hold, next.Reason, next.Actor = true, note.State, "", note.Reason, r.opts.Actor
			if own.Epoch != note.Failure.Epoch {
				next.State = Frozen // it has gone on since: a person must look where it stands
			}
			next.Epoch++
			if err := repeat(ctx, func() error { return r.journal.Save(ctx, &next) }); err != nil {
				errs = append(errs, fmt.Errorf("%s has failed, as a note in %s says, and that cannot be written into its own record: %w", own.Unit, note.Cluster, err))
				continue
			}
			k.recs[own.Unit] = &next
		}
	}
	return errors.Join(errs...)
}

// dropNotes takes back what is noted of units that a person has looked at.
func (r *Runner) dropNotes(ctx context.Context, k *known, units []string) {
	for _, note := range k.notes {
		if note.Failed && slices.Contains(units, note.Failure.Unit) {
			r.dropNote(ctx, note)
		}
	}
}

// dropNote takes a note back. One that cannot be is spent all the same as soon as its unit's own record can be read.
func (r *Runner) dropNote(ctx context.Context, note *Record) {
	note.Failed, note.State = false, RolledBack
	if err := r.putNote(ctx, note); err != nil {
		r.opts.Logger.InfoContext(ctx, "a note of a freeze stays", "cluster", note.Cluster, "unit", note.Failure.Unit, "error", err)
	}
}

// tellNote puts a note that counts into a report.
func (rep *Report) tellNote(note *Record, p *Plan) {
	said := *note
	said.Key = note.Failure.Key
	said.Reason += " (noted in cluster " + note.Cluster + ")"
	for i := range rep.Units {
		if u := &rep.Units[i]; u.ID == said.Unit && !u.Failed {
			u.Failed = true
			if u.Reason == "" {
				u.Reason = said.Reason
			}
			rep.Frozen = append(rep.Frozen, freezes(&said, p))
		}
	}
}
