package cutover

import (
	"context"
	"errors"
	"time"
)

// Journal keeps one [Record] per unit. Implementations: [FileJournal], [ConfigMapJournal], and those of cutovertest; all of them pass
// cutovertest.TestJournal. A Journal is safe for concurrent use.
type Journal interface {
	// Load returns the record of a unit, or ErrNoRecord. A record of a newer schema is refused with ErrSchema.
	Load(ctx context.Context, k Key) (*Record, error)
	// Save stores the record if its Version is still the stored one ("" if there must be none), and sets its new Version. Otherwise
	// nothing is stored and the error is ErrFenced. When Save returns nil the record survives a crash.
	Save(ctx context.Context, r *Record) error
	// List returns every record that can be read, sorted by cluster and unit. For those that cannot, it returns an *UnreadableError each,
	// joined, beside the others; any other error means that nothing could be read. A record with a Failure is a note about another unit.
	List(ctx context.Context) ([]*Record, error)
}

// Key names a record.
type Key struct {
	Cluster string `json:"cluster"`
	// Unit is the unit's ID.
	Unit string `json:"unit"`
}

var (
	// ErrNoRecord means: the journal has no record of the unit.
	ErrNoRecord = errors.New("cutover: no record in the journal")
	// ErrFenced means: somebody else has written the record since it was read. Another runner is at work; this one must stop.
	ErrFenced = errors.New("cutover: the journal record was changed by another runner")
	// ErrSchema means: the record or plan was written by a newer version.
	ErrSchema = errors.New("cutover: written by a newer version; use that one")
	// ErrLocked means: another process holds the journal.
	ErrLocked = errors.New("cutover: another process holds the journal")
	// ErrTooLarge means: the record would not fit; nothing was stored.
	ErrTooLarge = errors.New("cutover: the journal record is too large")
)

// Record is what is remembered of one unit. It never holds a secret.
type Record struct {
	Schema  int    `json:"schema"`
	Lineage string `json:"lineage"`
	// Plan is the digest of the plan that the unit moves by.
	Plan string `json:"plan"`
	Key
	Namespace string `json:"namespace"`
	// Epoch rises each time a runner takes the unit.
	Epoch int64 `json:"epoch"`
	// Actor is who holds it.
	Actor string `json:"actor,omitempty"`
	// Fencing means: another runner held it before, and writes of that one may still be under way.
	Fencing bool  `json:"fencing,omitempty"`
	State   State `json:"state"`
	// Reached is the furthest State on the way to Done.
	Reached State `json:"reached"`
	Hold    Hold  `json:"hold,omitempty"`
	// Reason says why the unit is held, frozen or rolled back.
	Reason string `json:"reason,omitempty"`
	// Failed means: a gate failed, or the world moved. Until a person rolls the unit back or thaws it, no other unit of the plan starts.
	Failed bool `json:"failed,omitempty"`
	// Cleared is the epoch in which a person has last rolled the unit back or thawed it.
	Cleared int64 `json:"cleared,omitempty"`
	// Next is the index of the step to run or to go on with.
	Next int   `json:"next"`
	Acts []Act `json:"acts,omitempty"`
	// Baseline says how fast the unit's pods became Ready before anything was changed; see [ReadyInTime].
	Baseline []ReadyTimes `json:"baseline,omitempty"`
	// Switched is when the last workload of the unit had left the old path; zero before.
	Switched time.Time `json:"switched,omitzero"`
	// Ended is when the unit was Done; zero before. The pause before the next wave counts from there.
	Ended time.Time `json:"ended,omitzero"`
	// Soaked is how long the soak was watched without a gap.
	Soaked time.Duration `json:"soaked,omitempty"`
	// Ran are the CronJobs that have completed a run by schedule on the new path alone.
	Ran []string `json:"ran,omitempty"`
	// Verdicts are the last verdict of each step's gate, by step ID, in the order in which they were given.
	Verdicts []StepVerdict `json:"verdicts,omitempty"`
	// Failure makes this a note of another unit's failure, in a cluster that is not the unit's; nil in the record of a unit.
	Failure *Failure `json:"failure,omitempty"`
	// Rebuilt says that the record was lost and made again from breadcrumbs.
	Rebuilt bool `json:"rebuilt,omitempty"`

	// Version is the journal's token for compare-and-swap. It is not part of the stored record.
	Version string `json:"-"`
}

// StepVerdict is a verdict and the step it was given for.
type StepVerdict struct {
	Step string `json:"step"`
	Verdict
	// Shed is how many pieces of evidence the journal has no room for any more: none that failed, unless there were very many.
	Shed int `json:"shed,omitempty"`
}

// Act is one write, from its intent on.
type Act struct {
	// Edit is the ID of the plan's edit; inductions have their own.
	Edit  string   `json:"edit"`
	Step  string   `json:"step"`
	Kind  ActKind  `json:"kind"`
	Verb  Verb     `json:"verb"`
	Ref   Ref      `json:"object"`
	Phase ActPhase `json:"phase"`
	// Subresource is what a patch was made of; "" for the object itself.
	Subresource string `json:"subresource,omitempty"`
	// Fields hold the before-images as they were found.
	Fields []Field `json:"fields,omitempty"`
	// Extra is how many pods an induction adds.
	Extra int64 `json:"extra,omitempty"`
	// Down is the next value of an induced number on its way down in steps; it may or may not have been written.
	Down any `json:"down,omitempty"`
	// Hold are the fields that hold the rollout, likewise.
	Hold []Field `json:"hold,omitempty"`
	// Before is the whole object before a deletion.
	Before map[string]any `json:"before,omitempty"`
	// Git means: the change was made by a commit; undoing it is one too.
	Git bool `json:"git,omitempty"`
	// Undone counts how often somebody else put back what we had changed.
	Undone int `json:"undone,omitempty"`
	// Note says why an undo left a field alone.
	Note string `json:"note,omitempty"`
}

// ActKind says what an act is to a rollback.
type ActKind string

const (
	// ActEdit is an edit of the plan.
	ActEdit ActKind = "edit"
	// ActInduce is a number raised for load, restored before anything else.
	ActInduce ActKind = "induce"
	// ActProbe is a pod started for a gate, taken away before anything else.
	ActProbe ActKind = "probe"
	// ActRelease puts back what held a rollout; the rollback of the edit that held it covers it.
	ActRelease ActKind = "release"
	// ActRetreat takes a workload back to the old path alone in one write, because the webhook lets no pod with its label be born.
	ActRetreat ActKind = "retreat"
	// ActPublish is a change handed to the Publisher; there is nothing in the cluster to undo.
	ActPublish ActKind = "publish"
	// ActEvict stands for the evictions of one workload's pods.
	ActEvict ActKind = "evict"
)

// ActPhase says how far an act is known to be.
type ActPhase string

const (
	// Intended means: it may or may not have been made; look.
	Intended ActPhase = "intended"
	// Committed means: it was seen on the object.
	Committed ActPhase = "committed"
	// Undoing means: its undo may or may not have been made; look.
	Undoing ActPhase = "undoing"
	// Undone means: what was still ours was put back.
	Undone ActPhase = "undone"
)
