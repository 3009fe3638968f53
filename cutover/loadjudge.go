package cutover

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// judgeBirths looks at pods as they are born: their environment and an exchange at once, for they may be short-lived.
func (r *loadRun) judgeBirths(ctx context.Context) {
	for _, y := range r.sight.tallies {
		account, ok := r.t.Unit.account(y.w.ServiceAccount)
		for _, b := range y.births {
			if b.gone {
				continue
			}
			if b.environment == nil && ok {
				b.environment = Injected(b.pod, r.t.injection(account))
			}
			if ok && b.pod.Spec.NodeName != "" && !verdictIs(b.exchange, Pass) && !verdictIs(b.exchange, Fail) {
				ref := Ref{APIVersion: "v1", Kind: "Pod", Namespace: b.pod.Namespace, Name: b.pod.Name, UID: string(b.pod.UID)}
				b.exchange = []Evidence{exchange(ctx, r.t, account, ref)}
			}
		}
	}
}

// askTelemetry asks the applications in the new pods that live (V5).
func (r *loadRun) askTelemetry(ctx context.Context) {
	for _, y := range r.sight.tallies {
		var pods []*corev1.Pod
		var of []*birth
		for _, b := range y.births {
			if !b.gone && b.ready() {
				pods, of = append(pods, b.pod), append(of, b)
			}
		}
		if len(pods) == 0 || r.t.Oracle == nil {
			continue
		}
		said := telemetryOf(ctx, r.t, y.w, pods)
		for i := range of {
			switch {
			case len(said) != len(of): // one piece for all of them: nobody could be asked
				of[i].telemetry = said
			case said[i].Result != Inconclusive || of[i].telemetry == nil:
				of[i].telemetry = said[i : i+1]
			}
		}
	}
}

func verdictIs(e []Evidence, want Result) bool { return len(e) > 0 && Judge("", e...).Result == want }

// birthEvidence is V2 of a pod: Ready once, and calm since. A restart within the first minute speaks against it also where less is
// waited for.
func birthEvidence(b *birth, calm time.Duration) Evidence {
	e := born(b.pod, max(calm, calmAfterBirth))
	switch {
	case e.Result == Fail:
	case b.pod.Status.Phase == corev1.PodFailed:
		e.Result, e.Got = Inconclusive, "it failed before it could be judged: "+b.pod.Status.Reason
	case !b.wasReady:
		e.Result, e.Got = Inconclusive, "not Ready yet ("+string(b.pod.Status.Phase)+")"
	case b.gone || b.pod.Status.Phase == corev1.PodSucceeded:
		e.Result, e.Got = Pass, "was Ready, and ended"
	case time.Since(b.seen) < calm:
		e.Result, e.Got = Inconclusive, "younger than "+calm.String()
	}
	return e
}

// all is everything that was seen of a pod.
func (b *birth) all(calm time.Duration) []Evidence {
	out := slices.Concat(b.environment, []Evidence{birthEvidence(b, calm)}, b.exchange)
	if len(b.environment) == 0 || len(b.exchange) == 0 {
		out = append(out, Evidence{Check: "V3", Object: podObject(b.pod), Want: "a token of its identity", Got: "it was gone before it could be judged",
			Result: Inconclusive})
	}
	return out
}

// failure is the verdict on what must not be seen at all, at any instant.
func (r *loadRun) failure() Verdict {
	var against []Evidence
	for _, y := range r.sight.tallies {
		for _, b := range y.births {
			against = append(against, slices.Concat(b.all(r.o.Calm), b.telemetry)...)
		}
	}
	against = append(against, r.quiet.failing...)
	for _, v := range append([]Verdict{r.probed}, r.also...) {
		if v.Result == Fail {
			against = append(against, r.verdictEvidence(v)...)
		}
	}
	against = slices.DeleteFunc(against, func(e Evidence) bool { return e.Result != Fail })
	if len(against) == 0 {
		return Verdict{}
	}
	return Judge(loadGate, against...)
}

// verdictEvidence keeps the evidence of another gate, or its reason where it gave none.
func (r *loadRun) verdictEvidence(v Verdict) []Evidence {
	for _, e := range v.Evidence {
		if rank(e.Result) == rank(v.Result) {
			return v.Evidence
		}
	}
	return []Evidence{{Check: v.Gate, Object: r.t.Unit.ID, Got: v.Reason, Result: v.Result}}
}

// judge is the verdict on the window as it stands.
func (r *loadRun) judge() Verdict {
	var evidence []Evidence
	idle := true
	var counted []*birth
	for _, y := range r.sight.tallies {
		births := y.counted(r.nodes.known)
		counted = append(counted, r.grown(births)...)
		idle = idle && len(births) == 0
		evidence = append(evidence, r.scaleEvidence(y, births)...)
	}
	evidence = append(evidence, r.pathEvidence(counted)...)
	evidence = append(evidence, r.watchEvidence()...)
	v := Judge(loadGate, evidence...)
	if v.Result != Inconclusive {
		return v
	}
	if !r.loaded() {
		v.Hold = HoldLoad
	}
	if idle {
		v.Reason = "no scale-out was seen; at idle nothing is proven. " + v.Reason
	}
	if r.reopened != "" {
		v.Reason += fmt.Sprintf("; the window opened anew: %s", r.reopened)
	}
	return v
}
