// Package cutovertest is a fleet in memory that behaves as AKS clusters do where a cutover could go wrong, and journals that crash.
//
// A [Fleet] holds clusters that implement cutover.Cluster with the semantics of a real API server: UIDs, resource versions and optimistic
// conflicts, field ownership of server-side apply, JSON Patch, admission, immutable fields, dry runs, watches. Its controllers roll out
// Deployments, StatefulSets, DaemonSets, CronJobs and Argo Rollouts pod by pod over simulated time; the webhook injects from a lagging
// cache, the migration proxy too; NMI, MIC and Entra answer as they do, late and negatively cached; and every pod takes tokens by the path
// that its own birth gave it. Each token is counted, so that [Fleet.Tally] says what a migration cost: 0 failed, 0 wrong, or not.
//
// # A hostile world
//
// [Crash] kills a process at a chosen write and [Stall] puts it to sleep there. [Faults] lets calls go wrong by a seed: replies lost after
// the write, conflicts, throttling, hangs, stale reads, watches with gaps. [Script] plays the others: deploys, scale-outs, churn, a webhook that
// lies. And a [Guard] looks at every event and every write, and notes what a cutover promises and did not keep.
//
// # Time
//
// The fleet has no clock of its own and starts no goroutine. Everything that happens is an event in a queue, and events happen when somebody
// looks: a call first lets everything happen that is due by time.Now, and a watch sleeps until the next event. In a testing/synctest
// bubble a day takes milliseconds and every run of one seed is the same; outside, [Options.Pace] makes it quick enough to look at.
//
// # What it does not do
//
// It knows the fields that matter to a cutover, not every field of Kubernetes: no scheduling by resources, no quotas, no RBAC. Only the
// first of several containers is looked at when a pod takes tokens. List fields are owned as a whole in managedFields.
package cutovertest
