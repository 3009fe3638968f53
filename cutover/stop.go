package cutover

import (
	"errors"
	"fmt"
)

// stop ends the work on a unit for now: it becomes the unit's state and reason. It travels as an error inside the package.
type stop struct {
	state  State
	hold   Hold
	reason string
	// failed: a postcondition failed, so the unit may be rolled back by itself; not when the world moved, for a person must look first.
	failed bool
	// cause is what callers may want to find in an error that a stop has become; nil for none.
	cause error
}

func (s *stop) Error() string { return fmt.Sprintf("%s: %s", s.state, s.reason) }

func (s *stop) Unwrap() error { return s.cause }

func held(h Hold, format string, args ...any) error {
	return &stop{state: Held, hold: h, reason: fmt.Sprintf(format, args...)}
}

func frozen(format string, args ...any) error {
	return &stop{state: Frozen, reason: fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) error {
	return &stop{state: Frozen, reason: fmt.Sprintf(format, args...), failed: true}
}

// errReverted: somebody put back what the unit had changed. The step looks again.
var errReverted = errors.New("a change of ours was put back")

// UnitError says why a unit could not be worked on; the others go on.
type UnitError struct {
	Unit string
	Err  error
}

// Error names the unit.
func (e *UnitError) Error() string { return "cutover: " + e.Unit + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *UnitError) Unwrap() error { return e.Err }

// StaleError says that the world is not the one the plan was made for. Nothing was written. It unwraps to ErrPlanChanged.
type StaleError struct {
	Object, Want, Got string
}

// Error names what has changed.
func (e *StaleError) Error() string {
	return fmt.Sprintf("the plan is stale: %s is %s, the plan was made for %s; scan and plan again", e.Object, e.Got, e.Want)
}

// Unwrap returns ErrPlanChanged.
func (e *StaleError) Unwrap() error { return ErrPlanChanged }
