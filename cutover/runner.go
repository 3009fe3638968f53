package cutover

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// Options tune a [Runner]. The zero value of a field means its default; a negative duration or count means off.
type Options struct {
	// Actor is written into records and leases. It must differ between processes. Default: wimigrate@HOST:PID-RANDOM, for a
	// container that is started again in its pod has the host and the number of the one before.
	Actor string
	// Trust, Exchanger and Oracle are handed to the gates. Default: none, and the gates that need them are inconclusive.
	Trust     Trust
	Exchanger Exchanger
	Oracle    PathOracle
	// Publish hands a change of a Git-owned object to its repository, such as [PublishFiles]. It must be idempotent. Default: none; the unit
	// is held with the patch in its reason.
	Publish func(ctx context.Context, p Publication) error
	// AddOn removes the identity of a binding from ARM's podIdentityProfile; the runner waits until the add-on has taken binding and identity
	// away, and never deletes them itself. It must be idempotent. Default: none; such a unit is held.
	AddOn func(ctx context.Context, cluster string, binding Ref) error
	// RolloutTimeout is how long a rollout may go without headway; default: what the workload's progressDeadlineSeconds says, but at least
	// 10 minutes. A rollout that moves, pod by pod, takes the time that it takes.
	RolloutTimeout time.Duration
	// Patience is how long Run waits for what a held unit waits for before it leaves it held; default: not at all. Meanwhile other units
	// may have its turn, but for a gate that only lacks evidence.
	Patience time.Duration
	// SoakEvery is how often the soak gate looks; default: 5 minutes.
	SoakEvery time.Duration
	// Evict allows the eviction of pods, one by one, where the update strategy is OnDelete; default: such a unit is held. The few pods of
	// the canary of a DaemonSet that rolls by itself need no permission: its controller would delete them, and ask nobody.
	Evict bool
	// LowerSteps is in how many steps an induced number is lowered after a load window that did not fail, so that not all of its pods end at
	// once; default: 4. A negative number means in one step. What fails, is stopped or rolled back is restored at once in any case.
	LowerSteps int
	// LowerPause is the pause between two of these steps; default: 15 seconds.
	LowerPause time.Duration
	// OldPathPatience is how long a rollback waits for Pod Identity to serve a workload's pods again, before it takes the new path from
	// them; default: 5 minutes. Then the new path stays, and the unit waits (HoldOldPath).
	OldPathPatience time.Duration
	// OldPathServes, where set, must return nil too before a rollback takes the new path from pods: it asks NMI, or the applications,
	// whether these pods get their tokens by the old path. It is asked again while it fails. Default: MIC's AzureAssignedIdentities decide
	// alone, and in managed mode, which has none, binding and label.
	OldPathServes func(ctx context.Context, cluster, namespace string, pods []string) error
	// OnFailure says what happens to a unit whose gate failed; default: RollBack.
	OnFailure OnFailure
	// BackAtOnce is how many units of a cluster may put their changes back at the same time, whatever their regions; negative: all of them. Each
	// restarts the pods of its workloads, and has MIC assign their identities again. Default: the plan's limits per cluster, per region and
	// in the fleet. Units that have lost the old path go before those that have both; a unit that fails alone never waits.
	BackAtOnce int
	// OnEvent is told of everything, one call at a time, in order; it must return quickly.
	OnEvent func(Event)
	// Logger gets Debug and Info records; default: none.
	Logger *slog.Logger
}

// OnFailure says what happens to a unit whose gate failed. The fleet is frozen in either case: no other unit starts.
type OnFailure string

const (
	// RollBack puts back what is still ours, at once.
	RollBack OnFailure = "rollback"
	// Keep leaves everything as it is, Frozen, for a person to look at.
	Keep OnFailure = "keep"
)

// Publication is a change for a Git repository: what the object's text must come to say, by all that its unit has changed of it so far. The
// next publication of the same object has the same Path and takes the place of this one.
type Publication struct {
	Cluster string `json:"cluster"`
	Unit    string `json:"unit"`
	Object  Ref    `json:"object"`
	// Owner is the GitOps tool and application behind the object.
	Owner string `json:"owner"`
	// StrategicMerge is a patch for kustomize or kubectl; a removal is a null. Empty where the change lies in a list of a custom resource.
	StrategicMerge string `json:"strategicMerge"`
	// JSONPatch is the change as a JSON Patch in YAML, where it lies in a list, which a merge would replace as a whole.
	JSONPatch string `json:"jsonPatch,omitempty"`
	// Source is where the catalog has read the object's manifest ("path#document" in its files); empty where it has read none.
	Source string `json:"source,omitempty"`
	// Path is a file name for the patch, safe to use below any folder.
	Path string `json:"path"`
}

// Event is one thing that happened during a run.
type Event struct {
	Time    time.Time `json:"time"`
	Unit    string    `json:"unit,omitempty"`
	Cluster string    `json:"cluster,omitempty"`
	Step    string    `json:"step,omitempty"`
	Type    EventType `json:"type"`
	State   State     `json:"state,omitempty"`
	Message string    `json:"message,omitempty"`
	Verdict *Verdict  `json:"verdict,omitempty"`
}

// EventType says what kind of thing happened.
type EventType string

// Types of events.
const (
	EventWave    EventType = "wave"
	EventState   EventType = "state"
	EventStep    EventType = "step"
	EventWrite   EventType = "write"
	EventVerdict EventType = "verdict"
	// EventWaiting says what a gate that waits is missing so far: after a minute, and then when that has changed, once a minute at most.
	EventWaiting EventType = "waiting"
	EventUndo    EventType = "undo"
	EventFrozen  EventType = "frozen"
)

// Report is where the units stand after a call.
type Report struct {
	Plan  string       `json:"plan"`
	Units []UnitReport `json:"units"`
	// Frozen says of each unit that freezes the fleet why, and what to do about it. While it is not empty, no unit goes forward.
	Frozen []string `json:"frozen,omitempty"`
}

// UnitReport is where one unit stands.
type UnitReport struct {
	ID      string `json:"id"`
	Cluster string `json:"cluster"`
	State   State  `json:"state"`
	Reached State  `json:"reached,omitempty"`
	Hold    Hold   `json:"hold,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Failed: the unit freezes the fleet until it is rolled back or thawed by a person.
	Failed bool `json:"failed,omitempty"`
	// Left are the fields that a rollback left alone, because they were no longer ours.
	Left     []string      `json:"left,omitempty"`
	Verdicts []StepVerdict `json:"verdicts,omitempty"`
}

// Runner moves the units of a plan. Its methods may not overlap on one plan; two runners may: the journal lets one of them win.
type Runner struct {
	clusters map[string]Cluster
	journal  Journal
	gates    Gates
	opts     Options
}

// NewRunner returns a runner over the clusters, by the fleet's names of them.
func NewRunner(clusters map[string]Cluster, j Journal, g Gates, opts *Options) (*Runner, error) {
	if j == nil {
		return nil, errors.New("cutover: NewRunner needs a journal")
	}
	for _, k := range gatedSteps {
		if g.For(k) == nil {
			return nil, fmt.Errorf("cutover: no gate for step %s; every step that has a gate needs one", k)
		}
	}
	r := &Runner{clusters: allLoggedIn(clusters), journal: j, gates: g}
	if opts != nil {
		r.opts = *opts
	}
	r.opts.setDefaults()
	return r, nil
}

var gatedSteps = [...]StepKind{
	StepPreflight, StepTrust, StepAnnotate, StepDualPath, StepLoad, StepCanary, StepUnbound, StepLoadAgain, StepSoak,
}

func (o *Options) setDefaults() {
	if o.Actor == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "unknown"
		}
		o.Actor = fmt.Sprintf("%s@%s:%d-%s", Manager, host, os.Getpid(), rand.Text()[:8])
	}
	if o.SoakEvery == 0 {
		o.SoakEvery = 5 * time.Minute
	}
	number(&o.LowerSteps, 4)
	number(&o.LowerPause, 15*time.Second)
	number(&o.OldPathPatience, defaultOldPathPatience)
	if o.OnFailure == "" {
		o.OnFailure = RollBack
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}
