package cutover

import "context"

// backLimits are how many units may be on their way back at the same time: as many as the plan lets move, for a way back restarts pods as a way
// forward does, and has MIC assign identities again for all of them; but for the limit per identity, since no federated credential changes.
// A number of the runner's own takes the place of all of them.
func backLimits(l Limits, atOnce int) Limits {
	if atOnce != 0 {
		return Limits{PerCluster: atOnce} // below zero it is none
	}
	return Limits{PerCluster: l.PerCluster, PerRegion: l.PerRegion, Fleet: l.Fleet}
}

// turnBack waits until it is the unit's turn to put its changes back. Its slot is of another count than those of the way forward, so that the
// first units that fail go back at once, whoever is in the middle of a step or of a gate; only where more have failed than may restart at the
// same time do they wait for one another. Those that have lost the old path already go first: they have but one. Nothing waits for a slot to
// be frozen, or to have its induced load restored, and what has written nothing needs none.
func (u *unitRun) turnBack(ctx context.Context) error {
	if !u.rec.wrote() {
		return nil
	}
	n := u.fleet.back.ask(u.unit, u.onNewPathAlone())
	select {
	case <-n.taken:
		return nil
	default:
	}
	u.tell(Event{Type: EventState, State: u.rec.State, Message: "waits for its turn: as many units as may be are on their way back"})
	select {
	case <-n.taken:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// onNewPathAlone reports whether a workload of the unit has lost the old label.
func (u *unitRun) onNewPathAlone() bool {
	for i := range u.rec.Acts {
		if a := &u.rec.Acts[i]; a.Phase != Undone && u.unbound(a) != nil {
			return true
		}
	}
	return false
}

// midway reports whether a unit is somewhere between its first write and its soak.
func midway(u *Unit, rec *Record) bool {
	switch rec.State {
	case Done, Frozen, RollingBack, RolledBack:
		return false
	case Planned, Preflighted, Trusted, Annotated, Labelled, DualPath, LoadVerified, Unbound, Soaked, Held:
	}
	return rec.wrote() && rec.Next < len(u.Steps) && u.Steps[rec.Next].Kind != StepSoak
}
