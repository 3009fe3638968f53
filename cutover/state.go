package cutover

// State is where a unit stands.
type State string

// The way of a unit, in order.
const (
	Planned      State = "Planned"
	Preflighted  State = "Preflighted"
	Trusted      State = "Trusted"
	Annotated    State = "Annotated"
	Labelled     State = "Labelled"
	DualPath     State = "DualPath"
	LoadVerified State = "LoadVerified"
	Unbound      State = "Unbound"
	Soaked       State = "Soaked"
	Done         State = "Done"
	// Held waits for something outside; it is safe for days. Run again to go on.
	Held State = "Held"
	// Frozen means: a check failed or the world moved. Nobody writes but a rollback.
	Frozen State = "Frozen"
	// RollingBack is between the decision and RolledBack. With a Hold it waits for something outside; run or roll back again to go on.
	RollingBack State = "RollingBack"
	// RolledBack means: everything still ours was put back. The plan is spent for the unit: plan again,
	// or thaw the unit where that gives the same plan.
	RolledBack State = "RolledBack"
)

// Hold says what a held unit waits for.
type Hold string

const (
	// HoldLoad means: no load was seen, or not enough of it.
	HoldLoad Hold = "load"
	// HoldGit means: a published change has not arrived on the object.
	HoldGit Hold = "git"
	// HoldPaused means: the workload is paused by somebody else.
	HoldPaused Hold = "paused"
	// HoldJob means: a Job on the old path is still running, or a CronJob has not run yet; on the way back, a Job on the new path alone may still
	// bear a pod.
	HoldJob Hold = "job"
	// HoldManual means: a person must do what the reason says, such as to apply its YAML to an object of an unknown kind.
	HoldManual Hold = "manual"
	// HoldEvidence means: a gate could not see enough.
	HoldEvidence Hold = "evidence"
	// HoldEviction means: a PodDisruptionBudget refuses.
	HoldEviction Hold = "eviction"
	// HoldOldPath means: a rollback waits for Pod Identity to serve the pods again, before it takes the new path from them.
	HoldOldPath Hold = "oldPath"
	// HoldFreeze means: another unit failed, and the fleet is frozen.
	HoldFreeze Hold = "freeze"
	// HoldAbort means: the run was told to stop.
	HoldAbort Hold = "abort"
	// HoldUnreachable means: the cluster does not answer.
	HoldUnreachable Hold = "unreachable"
)
