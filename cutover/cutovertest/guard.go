package cutovertest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
)

// Promise is one thing that a cutover promises, whatever happens to it.
type Promise string

const (
	// KeepsPath promises that every Ready pod has a way to a token of its own identity at every instant, and that none fails for longer than
	// its application's patience. Pods that were born while the webhook lied are the webhook's doing.
	KeepsPath Promise = "path"
	// KeepsToPlan promises that nothing is changed but the fields, and nothing deleted but the objects, that the plan lists.
	KeepsToPlan Promise = "plan"
	// Converges promises that in the end every object is what it was, with what others changed meanwhile, and with what the plan says
	// of units that are Done. Induced scale and held rollouts are put back.
	Converges Promise = "end"
	// RollsOnce promises that no template is rolled out a second time, unless somebody else changed it or the unit was rolled back.
	RollsOnce Promise = "rollout"
	// JudgesSoundly promises that a gate which judges the path passes only if every pod that it judges really is on the new one.
	JudgesSoundly Promise = "verdict"
	// StaysFrozen promises that nothing is written to a frozen unit but by a rollback, or after a person has thawed it.
	StaysFrozen Promise = "frozen"
	// KeepsSecrets promises that no token is in a journal, an event or a report.
	KeepsSecrets Promise = "secret"
)

// Breach is a promise that was not kept.
type Breach struct {
	Promise Promise
	At      time.Time
	What    string
}

// String returns the breach as one line.
func (b Breach) String() string {
	return fmt.Sprintf("%s %s: %s", b.At.UTC().Format(time.DateTime), b.Promise, b.What)
}

// Guard watches a fleet while a plan runs, and notes each [Breach] of what a cutover promises. It sees every event and every write of
// the fleet as it happens, so give it the plan before the first of them: [Guard.Event] as the runner's OnEvent, the gates through
// [Guard.Gates], and the report to [Guard.Finish] in the end. It is safe for concurrent use.
type Guard struct {
	fleet *Fleet
	plan  *cutover.Plan
	may   map[objectID]*permit
	// world is what the objects would be without the cutover: what they were, and what others have changed since.
	world  map[objectID]map[string]any
	frozen map[string]bool // by unit
	// rolled are the templates that the cutover has made, by workload.
	rolled   map[objectID]map[string]bool
	breaches []Breach
	told     map[string]bool
}

// objectID names an object of the fleet.
type objectID struct{ cluster, kind, namespace, name string }

func (id objectID) String() string {
	return id.cluster + " " + id.kind + "/" + id.namespace + "/" + id.name
}

// NewGuard returns a guard of the plan over the fleet as it is now. A fleet has one guard: a new one takes the place of the old.
func NewGuard(f *Fleet, p *cutover.Plan) *Guard {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.catchUp()
	g := &Guard{fleet: f, plan: p, may: permits(p), world: f.everything(), frozen: map[string]bool{}, rolled: map[objectID]map[string]bool{},
		told: map[string]bool{}}
	f.guard = g
	return g
}

// Breaches are what was noted so far, in the order in which it happened; each kind of breach once for each object.
func (g *Guard) Breaches() []Breach {
	g.fleet.mu.Lock()
	defer g.fleet.mu.Unlock()
	return slices.Clone(g.breaches)
}

// breach notes one. The caller holds the fleet's lock.
func (g *Guard) breach(p Promise, format string, args ...any) {
	b := Breach{Promise: p, At: g.fleet.now, What: fmt.Sprintf(format, args...)}
	if key := string(p) + b.What; !g.told[key] {
		g.told[key] = true
		g.breaches = append(g.breaches, b)
	}
}

// Event is what to give a runner as OnEvent.
func (g *Guard) Event(e cutover.Event) {
	g.fleet.mu.Lock()
	defer g.fleet.mu.Unlock()
	g.secret("an event of "+e.Unit, e.Message)
	if e.Verdict != nil {
		g.secret("a verdict of "+e.Unit, fmt.Sprint(*e.Verdict))
	}
	switch e.Type {
	case cutover.EventFrozen:
		g.frozen[e.Unit] = true
	case cutover.EventState, cutover.EventUndo:
		g.frozen[e.Unit] = false
		if e.Type == cutover.EventUndo {
			g.forget(e.Unit)
		}
	case cutover.EventStep:
		if g.frozen[e.Unit] {
			g.breach(StaysFrozen, "%s began step %s though it is frozen", e.Unit, e.Step)
		}
	case cutover.EventWave, cutover.EventWrite, cutover.EventVerdict, cutover.EventWaiting:
	}
}

// Thawed tells the guard that a person has let a unit be tried again. A runner says so by an event, unless it did not hear that its journal
// took it in.
func (g *Guard) Thawed(unit string) {
	g.fleet.mu.Lock()
	defer g.fleet.mu.Unlock()
	g.frozen[unit] = false
}

// forget lets the templates of a unit be rolled out again: it is on its way back.
func (g *Guard) forget(unit string) {
	for id, p := range g.may {
		if p.unit == unit {
			delete(g.rolled, id)
		}
	}
}

// Secret looks for tokens in what was stored or printed; where names it.
func (g *Guard) Secret(where, text string) {
	g.fleet.mu.Lock()
	defer g.fleet.mu.Unlock()
	g.secret(where, text)
}

// secret looks for the beginning that every JSON Web Token has.
func (g *Guard) secret(where, text string) {
	if strings.Contains(text, "eyJ") {
		g.breach(KeepsSecrets, "%s holds what looks like a token", where)
	}
}
