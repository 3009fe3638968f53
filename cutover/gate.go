package cutover

import (
	"context"
	"time"
)

// Gate judges one thing about a target. It may block, as a load window does, and obeys ctx; it changes nothing but through
// [Target.Induce]. What it could not see is [Inconclusive], never [Pass].
type Gate func(ctx context.Context, t Target) Verdict

// Target is what a gate judges. Everything in it is set by the runner; Exchanger, Trust and Oracle are nil when the runner has none, and
// give an error where there is no answer within half a minute, or a minute for the Oracle.
type Target struct {
	Plan *Plan
	Unit *Unit
	Step *Step
	// Workloads are those to judge: the step's own, or all of the unit.
	Workloads []Workload
	Cluster   Reader
	Exchanger Exchanger
	Trust     Trust
	Oracle    PathOracle
	// Since is when the window opened, by this process's clock: for load and soak, pods that were there already prove nothing. It is
	// zero where every pod of the new Revision counts. To stay clear of clock skew, tell pods apart by the UIDs seen when the gate began.
	Since time.Time
	// Baseline says how fast the workloads' pods became Ready before anything was changed; none for those that could not be timed.
	Baseline []ReadyTimes
	// Switched is when the last workload of the unit had left the old path, by this process's clock; zero before.
	Switched time.Time
	// Canary is the number of pods held on the new template; 0 when the rollout is complete.
	Canary int
	// Induce raises a number in the cluster, such as an HPA's spec.minReplicas: the runner writes the old value to the journal first,
	// and restores it when the gate returns, or on resume. Nil where the plan does not allow it.
	Induce func(ctx context.Context, i Induction) error
	// Probe starts a pod of a workload that runs none, once for each time the gate is asked, and returns what it started; nil for a
	// workload that is not idle, or that the plan approves no probe of. The runner ends it when the gate returns, or on resume. Nil
	// where the plan approves none at all, and at steps that need no pod.
	Probe func(ctx context.Context, w Workload) (*IdleProbe, error)
	// Waiting is told by a gate that waits what it is missing so far, at each of its looks; the runner makes an [EventWaiting] of it now and
	// then. It is safe for concurrent use, and nil where nobody listens.
	Waiting func(soFar Verdict)
	// journal is the namespace of the runner's [ConfigMapJournal]; "" for a journal outside the clusters.
	journal string
	// Revision is the pod template revision that counts for each workload, by Ref.String(): the pod-template-hash or
	// controller-revision-hash of new pods; absent where the kind has none.
	Revision map[string]string
}

// Induction is a load that a gate asks for.
type Induction struct {
	Object Ref
	// Path of an integer field, such as spec, minReplicas.
	Path []string
	To   int64
	// Extra is how many pods it adds. The runner counts for itself, and holds the greater number against the plan's caps.
	Extra int
}

// Verdict is what a gate found.
type Verdict struct {
	Gate   string `json:"gate"`
	Result Result `json:"result"`
	// Reason is one sentence for a person; required unless the result is Pass.
	Reason string `json:"reason,omitempty"`
	// Hold names what an inconclusive verdict waits for; empty means HoldEvidence.
	Hold     Hold       `json:"hold,omitempty"`
	Evidence []Evidence `json:"evidence,omitempty"`
}

// Result is the outcome of a gate.
type Result string

const (
	// Pass means: everything that had to hold was seen to hold.
	Pass Result = "pass"
	// Fail means: something that had to hold was seen not to.
	Fail Result = "fail"
	// Inconclusive means: not enough was seen. The unit is held, never passed.
	Inconclusive Result = "inconclusive"
)

// Evidence is one thing that a gate saw. It is stored in the journal and printed: never a token or a secret.
type Evidence struct {
	// Check is a short code such as "V1".
	Check  string `json:"check"`
	Object string `json:"object,omitempty"`
	Want   string `json:"want,omitempty"`
	Got    string `json:"got,omitempty"`
	Result Result `json:"result"`
}

// Gates wires gates to the steps of a unit. A nil gate is a refusal: [NewRunner] names the missing ones.
type Gates struct {
	// Preflight judges before anything is written.
	Preflight Gate
	// Trusted judges that Entra honours the trust: repeated exchanges of freshly minted tokens.
	Trusted Gate
	// Annotated judges that the webhook would inject the expected identity.
	Annotated Gate
	// DualPath judges one workload after the first rollout.
	DualPath Gate
	// Load judges the unit while it scales out.
	Load Gate
	// Canary judges the few pods without the old label, while the rollout is held.
	Canary Gate
	// Ordinals judges the ordinals of a StatefulSet that have lost the old label so far, before more of them do. Nil means Canary.
	Ordinals Gate
	// Unbound judges one workload after the second rollout.
	Unbound Gate
	// LoadAgain judges the unit without the old path while it scales out.
	LoadAgain Gate
	// Soak judges once every SoakEvery during the soak; it should return within seconds.
	Soak Gate
}

// For returns the gate of a step kind; nil for kinds that have none.
func (g Gates) For(k StepKind) Gate {
	switch k {
	case StepPreflight:
		return g.Preflight
	case StepTrust:
		return g.Trusted
	case StepAnnotate:
		return g.Annotated
	case StepDualPath:
		return g.DualPath
	case StepLoad:
		return g.Load
	case StepCanary:
		return g.Canary
	case StepUnbound:
		return g.Unbound
	case StepLoadAgain:
		return g.LoadAgain
	case StepSoak:
		return g.Soak
	case StepSuspend, StepLabel, StepUnbind, StepSwitch, StepRelease, StepResume, StepFinish:
	}
	return nil
}
