// Package cutover moves workloads from Pod Identity to Workload Identity one unit at a time: proven under load, resumable, reversible.
//
// # The story
//
//	*catalog.Catalog ┐
//	*federation.Plan ┴► NewPlan ─► *Plan (units, waves, steps as data) ─► Runner.Run ─► *Report
//	                                                                        │
//	                              Cluster · Exchanger · Trust · PathOracle ─┤ the world
//	                              Gates ────────────────────────────────────┤ the judgement
//	                              Journal ──────────────────────────────────┘ the memory
//
// A [Unit] is what must move together: a connected component of service accounts, workloads, bindings and identities inside one
// namespace. [NewPlan] is pure. It turns every unit into a flat list of [Step]s, and every step is data with one shape:
//
//	edits ─► wait ─► gate ─► next step
//
// An [Edit] says which fields of which object go from which value to which, so that doing, observing, undoing and resuming are the
// same few lines for all of them: the field holds the new value (done), the old one (to do), or another one (somebody else's: stop).
// A wait watches until a rollout, a canary or a deletion is complete. A [Gate] looks at the world and answers [Pass], [Fail] or
// [Inconclusive]; missing data never passes.
//
// Two rollouts by default. The first adds the new path beside the old one (annotation, label, rollout, proof, load); the second
// takes the old label away behind a held canary; then the unit soaks, and the bindings that nothing needs any more are deleted. So a
// running pod has at least one proven path at every instant, until the last deletion.
//
// A [Strategy] is declared per unit where that does not fit: a single rollout for workloads that cannot be restarted twice, or the
// webhook's migration sidecar for applications that cannot change yet. A unit that cannot move by it is blocked.
//
// # The canary of the removal
//
// [Limits.CanaryPods] pods lose the old label, one where that would be all of them, and are judged while all others keep it. How depends on
// the object as it is then:
//
//	Deployment, rolling      new pods beside the old ones, that count as available only later (minReadySeconds, maxSurge, maxUnavailable 0)
//	StatefulSet, rolling     its highest ordinals (partition); then the others, some at a time, judged in between
//	DaemonSet, rolling       told to replace no pod by itself (OnDelete), while the pods of a few nodes are evicted, each when the last is
//	                         Ready; then its own rolling update goes on. Nodes that join meanwhile get pods without the label
//	StatefulSet, DaemonSet   with OnDelete: the first pods that are evicted, which needs [Options.Evict]; the rest follow when they are judged
//
// There is none for the strategy Recreate, for the only pod of a set, for a DaemonSet that surges (no node is to be without its pod), for
// an Argo Rollout, which has steps of its own, and for kinds without a rolling update. And there is none, but with OnDelete, where the
// label leaves by a commit ([GitOps], [GitOnly]): the commit may arrive when no run is there to see it, so whatever is to hold it must lie on the
// object from its publication on, for days perhaps. Every deploy of somebody else's would be held by it in the meantime, a hotfix at k pods
// an hour, or not at all; and a tool that sets these fields itself takes the hold away by the very commit that it is for. That is worse
// than no canary. In mode [Suspend] the change is made live and held, and published as well.
//
// Where there is none, the plan says so in the unit's risks, and preflight (PF15) holds an application of which nobody knows whether it uses
// its federated token.
//
// # What is remembered
//
// The truth is observed, never remembered. The [Journal] holds one [Record] per unit: what was intended and the before-image of every
// field touched, what gates saw, how long a soak was really watched. It is written before each act, by compare-and-swap with an
// epoch, so that a second runner, or one that slept, loses before it can write. After a crash the open intent is compared with the
// object: done, to do, or foreign. Breadcrumbs in object annotations (never in a pod template) rebuild a lost journal, for a rollback as for a
// run. With a [ConfigMapJournal] a failure is noted in the other clusters too: the freeze holds when the unit's own does not answer.
//
// # The way back
//
// A rollback undoes the acts in reverse order, each as far as it is still ours. The new path is taken from a workload only after Pod
// Identity serves its pods again: in standard mode MIC must have assigned them, which takes a minute. Until then the unit stays
// RollingBack with everything in place, and the next run goes on. Where the webhook is down, so that a pod with both labels could not be
// born, one write puts the old label back and takes the webhook's away; the pods that live keep the new path until the first new ones
// are served. Units take turns on their way back ([Options.BackAtOnce]), those that have lost the old path first: a fleet is not restarted at
// once, and one that fails alone never waits.
//
// # Where a unit can stand
//
//	Planned → Preflighted → Trusted → Annotated → Labelled → DualPath → LoadVerified → Unbound → Soaked → Done
//
// and from anywhere Held (waiting; safe for days), Frozen (a check failed or the world moved; no further writes) and RolledBack.
//
// # For those who write gates
//
// A gate gets a [Target]: the unit, the workloads to judge, a cluster that can be read and dry-run, and the instant since which pods
// count. It may block (a load window does) and must obey its context. It never writes, but for [Target.Induce], which the runner
// journals and always restores. [DefaultGates] wires the provided ones to the steps; [AllOf], [Eventually] and [NewPath] join others.
//
// # Beside a migration
//
// [Explain] checks the chain from one pod to its token on any cluster and names the first broken link. [FindLeftovers] says what is left
// of Pod Identity in a cluster, and [Remove] deletes it once nothing needs it.
package cutover
