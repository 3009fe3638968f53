package cutover

import (
	"slices"
	"time"

	"github.com/wimigrate/wimigrate/federation"
)

// GateOptions tune [DefaultGates]. A zero field means its default.
type GateOptions struct {
	// Preflight gives the checks what a cluster cannot tell; see [Preflight].
	Preflight *PreflightOptions
	// Prove says how trust is proven; see [TrustProven].
	Prove *federation.ProveOptions
	// Probes is how many dry-run pods prove the webhook before any pod changes; default: [DefaultProbes].
	Probes int
	// Settle is how long a gate waits for what needs a moment, such as the webhook's picture of service accounts; default: 2 minutes.
	Settle time.Duration
	// SettleEvery is how often it asks again meanwhile; default: 5 seconds.
	SettleEvery time.Duration
	// Quiet is how long NMI's counters are watched at the canary and after the second rollout; default: 1 minute, and 2 minutes in a
	// single rollout: NMI tries for up to 100 seconds before it refuses, and counts an operation when it ends.
	Quiet time.Duration
	// quietAlone is Quiet in a single rollout.
	quietAlone time.Duration
	// Calm is how long new pods must have been up before they are judged after a rollout and at the canary; default: 1 minute, and negative
	// for none. See [NewPods]; the pods of a load window have [LoadOptions.Calm].
	Calm time.Duration
	// Ready says how fast new pods must be Ready, compared with those before the change; see [ReadyInTime].
	Ready *ReadyOptions
	// Load and LoadAgain tune the two load windows; LoadAgain defaults to Load with a window of 5 minutes. See [LoadOptions].
	Load, LoadAgain *LoadOptions
	// Also are asked in the load windows and during the soak, such as [NoRegression].
	Also []Gate
	// Witnesses are asked during the soak beside NMI's counters and telemetry, such as [SignIns]: one that passes is enough, and none may
	// fail.
	Witnesses []Gate
}

func (o *GateOptions) withDefaults() GateOptions {
	var out GateOptions
	if o != nil {
		out = *o
	}
	if out.Calm == 0 {
		out.Calm = calmAfterBirth // and negative stays so
	}
	number(&out.Settle, 2*time.Minute)
	number(&out.SettleEvery, 5*time.Second)
	out.SettleEvery = max(out.SettleEvery, time.Millisecond)
	out.quietAlone = out.Quiet
	number(&out.quietAlone, refusalTime)
	number(&out.Quiet, time.Minute)
	if out.Load == nil {
		out.Load = &LoadOptions{}
	}
	if out.LoadAgain == nil {
		again := *out.Load
		if again.Window == 0 {
			again.Window = 5 * time.Minute
		}
		out.LoadAgain = &again
	}
	for _, l := range []**LoadOptions{&out.Load, &out.LoadAgain} {
		with := **l
		with.Also = slices.Concat(with.Also, out.Also)
		if with.Ready == nil {
			with.Ready = out.Ready
		}
		*l = &with
	}
	return out
}

// refusalTime is longer than NMI takes to refuse a pod without an identity.
// https://azure.github.io/aad-pod-identity/docs/configure/feature_flags/
const refusalTime = 2 * time.Minute

// DefaultGates wires the provided gates to the steps of a unit:
//
//	Preflight            Preflight
//	Trusted              TrustProven
//	Annotated            InjectionProbe, until the webhook knows the annotation
//	DualPath             NewPods and ReadyInTime; of a CronJob, the pods of its next run
//	Load                 Load, and then StillInjected, for the pods that were there before its window
//	Canary               NewPods, ReadyInTime and NewPath(OldPathSilent, TelemetryClean)
//	Ordinals             NewPods and ReadyInTime
//	Unbound              as Canary, for every pod
//	LoadAgain            as Load, in a shorter window; in a single rollout it is the only one, and not shorter
//	Soak                 InjectionProbe, StillInjected, NewPath(StillSilent, TelemetryClean), with what GateOptions adds
//
// Each can be replaced or joined with others by [AllOf]. They need what the runner's options carry: an Exchanger, and a PathOracle
// that can read NMI or the applications; without them a unit is held, not passed.
func DefaultGates(opts *GateOptions) Gates {
	o := opts.withDefaults()
	settled := func(g Gate) Gate { return Eventually(g, o.Settle, o.SettleEvery) }
	// A gate that waits for calm is asked again after that, where it still waits for something else.
	pods := AllOf(Eventually(NewPods(o.Calm), o.Settle+max(o.Calm, 0), o.SettleEvery), ReadyInTime(o.Ready))
	movedAfter := func(quiet time.Duration) Gate {
		return AllOf(pods, untilClear(NewPath(OldPathSilent(quiet), TelemetryClean()), o.Settle, o.SettleEvery))
	}
	moved := inSingleRollout(movedAfter(o.quietAlone), movedAfter(o.Quiet))
	natural := o.Load.withDefaults().InduceAfter // a run by schedule is waited for as long as a scale-out by load
	run := Load(&LoadOptions{
		Window: -1, Deadline: o.Load.Deadline, LookEvery: o.Load.LookEvery, InduceAfter: natural, Calm: o.Load.Calm, Probe: o.Load.Probe,
		Ready: o.Ready, birthsOnly: true,
	})
	// A pod that was born while nobody watched, before the window or between two runs, is none of the load gate's births.
	loaded := func(l *LoadOptions) Gate {
		return andThen(Load(l), untilClear(StillInjected(), o.Settle, o.SettleEvery))
	}
	return Gates{
		Preflight: Preflight(o.Preflight),
		Trusted:   TrustProven(o.Prove),
		Annotated: Named("annotated", settled(InjectionProbe(o.Probes))),
		DualPath:  Named("dual path", ofRuns(run, pods)),
		Load:      loaded(o.Load),
		Canary:    Named("canary", ofCanary(moved)),
		Ordinals:  Named("ordinals", pods),
		Unbound:   Named("unbound", ofRuns(run, moved)),
		LoadAgain: Named("load again", inSingleRollout(loaded(o.Load), loaded(o.LoadAgain))),
		Soak: Named("soak", AllOf(append([]Gate{InjectionProbe(1), StillInjected(), NewPath(append([]Gate{StillSilent(), TelemetryClean()}, o.Witnesses...)...)},
			o.Also...)...)),
	}
}
