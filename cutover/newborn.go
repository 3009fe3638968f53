package cutover

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// newPods is what [NewPods] remembers: when it first saw each pod Ready, by this process's clock.
type newPods struct {
	calm time.Duration
	mu   sync.Mutex
	seen map[string]map[types.UID]time.Time // by plan, unit and step
}

// judge looks at the pods, and where nothing but calm is missing, once more when those that it saw first have been.
func (g *newPods) judge(ctx context.Context, t Target) Verdict {
	v, left := g.look(ctx, t, false)
	if left <= 0 {
		return v
	}
	if err := pause.For(ctx, left); err != nil {
		return stopped(v, err)
	}
	v, _ = g.look(ctx, t, true)
	return v
}

// look judges what is there now. It says for how long the pods must still be calm, if that alone is missing. On a second look, pods that
// were not there at the first are not waited for: under load there would be no end to it, and a later gate sees them.
func (g *newPods) look(ctx context.Context, t Target, second bool) (Verdict, time.Duration) {
	var evidence, young []Evidence
	var left time.Duration
	idle := false
	already := g.remembered(t)
	now := map[types.UID]time.Time{}
	for _, w := range t.Workloads {
		found, err := probedPods(ctx, t, w)
		if err != nil {
			evidence = append(evidence, Evidence{Check: "V2", Object: w.String(), Got: "its pods cannot be read: " + err.Error(), Result: Inconclusive})
			idle = idle || errors.Is(err, errUnprobed)
			continue
		}
		idle = idle || len(found.current) == 0
		evidence = append(evidence, judgePods(ctx, t, w, found)...)
		for _, p := range slices.DeleteFunc(found.current, func(p *corev1.Pod) bool { _, ready := readySince(p); return !ready }) {
			first, known := already[p.UID]
			if !known {
				first = time.Now()
			}
			now[p.UID] = first
			e, wait := g.calmly(p, first)
			if wait > 0 && second && !known {
				e.Result, e.Got = Pass, "Ready; it was born while the gate waited for others, and is not waited for"
				wait = 0
			}
			young, left = append(young, e), max(left, wait)
		}
	}
	g.remember(t, now)
	v := Judge("new pods", slices.Concat(evidence, young)...)
	if v.Result == Inconclusive && idle {
		v.Hold = HoldLoad
	}
	if len(evidence) == 0 || Judge("", evidence...).Result != Pass {
		left = 0
	}
	return v, left
}

// calmly judges how long a Ready pod has run, and says for how long it must still. What was seen with one's own eyes counts; what its status
// says counts where it says so much more that no clock can be that wrong ([checkClocks]).
func (g *newPods) calmly(p *corev1.Pod, first time.Time) (Evidence, time.Duration) {
	e := Evidence{Check: "V2", Object: podObject(p), Want: "a pod that has been up for " + g.calm.String(), Got: "it has been", Result: Pass}
	left := g.calm - time.Since(first)
	since, _ := readySince(p)
	if left <= 0 || !since.IsZero() && time.Since(since) >= g.calm+maxSkew {
		return e, 0
	}
	e.Result, e.Got = Inconclusive, "it is younger, or has not been seen for so long"
	return e, left
}

// readySince is when a pod became Ready, for all that its status says; false for one that is not.
func readySince(p *corev1.Pod) (time.Time, bool) {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time, true
		}
	}
	return time.Time{}, false
}

func (g *newPods) key(t Target) string {
	key := t.Unit.ID
	if t.Plan != nil {
		key = t.Plan.Digest + " " + key
	}
	if t.Step != nil {
		key += " " + t.Step.ID
	}
	return key
}

func (g *newPods) remembered(t Target) map[types.UID]time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.seen[g.key(t)]
}

func (g *newPods) remember(t Target, now map[types.UID]time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen[g.key(t)] = now
}
