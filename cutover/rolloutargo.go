package cutover

import (
	"fmt"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// argoProgress follows Argo Rollouts, whose observedGeneration is a string.
// https://argo-rollouts.readthedocs.io/en/stable/features/specification/
func argoProgress(w *unstructured.Unstructured, others []*unstructured.Unstructured) Progress {
	o := w.Object
	p := Progress{Revision: text(o, "status", "currentPodHash"), Reason: "phase " + text(o, "status", "phase")}
	if seen := text(o, "status", "observedGeneration"); seen != strconv.FormatInt(w.GetGeneration(), 10) {
		return p
	}
	if lender := lenderOf(w, others); lender != nil {
		if seen := text(o, "status", "workloadObservedGeneration"); seen != strconv.FormatInt(lender.GetGeneration(), 10) {
			p.Reason = fmt.Sprintf("its controller has seen generation %s of %d of the template that it borrows", seen, lender.GetGeneration())
			return p
		}
	}
	switch phase := text(o, "status", "phase"); {
	case phase == "Degraded" || lookupTrue(o, "status", "abort"):
		p.Failed = "the Rollout is degraded: " + text(o, "status", "message")
	case argoUncreated(w) != "": // the rest of the status is of the template before, and Healthy
		p.Reason = argoUncreated(w)
	case lookupTrue(o, "spec", "paused"):
		p.Hold, p.Reason = HoldPaused, "the Rollout is paused; whoever paused it must resume it"
	case len(pausesOf(w)) > 0 && argoTimed(w):
		p.Reason = "the Rollout is paused at one of its own steps, for a time"
	case len(pausesOf(w)) > 0:
		p.Hold, p.Reason = HoldPaused, "the Rollout is paused at one of its own steps; promote it"
	case phase == "Healthy" && text(o, "status", "stableRS") == p.Revision:
		p.Complete = true
	}
	return p
}

// argoUncreated says why the controller cannot create the ReplicaSet of the newest template; "" while it can.
func argoUncreated(w *unstructured.Unstructured) string {
	c := conditionOf(w, "Progressing")
	if text(c, "status") != "False" || text(c, "reason") != "ReplicaSetCreateError" {
		return ""
	}
	return "ReplicaSetCreateError: " + text(c, "message")
}

func pausesOf(w *unstructured.Unstructured) []any {
	pauses, _ := lookup(w.Object, []string{"status", "pauseConditions"})
	list, _ := pauses.([]any)
	return list
}

// argoTimed reports whether everything that a Rollout pauses for ends by itself.
func argoTimed(w *unstructured.Unstructured) bool {
	for _, p := range pausesOf(w) {
		var d time.Duration
		switch text(asMap(p), "reason") {
		case "CanaryPauseStep":
			steps := argoSteps(w)
			if i := number64(w.Object, "status", "currentStepIndex"); i >= 0 && i < int64(len(steps)) {
				d = pauseOf(steps[i])
			}
		case "BlueGreenPause":
			d = argoPromotes(w)
		}
		if d <= 0 {
			return false
		}
	}
	return true
}

// argoLongestPause is the longest time that a Rollout pauses by itself before it goes on.
func argoLongestPause(w *unstructured.Unstructured) time.Duration {
	longest := argoPromotes(w)
	for _, step := range argoSteps(w) {
		longest = max(longest, pauseOf(step))
	}
	return longest
}

// argoPromotes is how long a blue-green Rollout waits before it promotes itself.
func argoPromotes(w *unstructured.Unstructured) time.Duration {
	return time.Duration(number64(w.Object, "spec", "strategy", "blueGreen", "autoPromotionSeconds")) * time.Second
}

func argoSteps(w *unstructured.Unstructured) []any {
	steps, _ := lookup(w.Object, []string{"spec", "strategy", "canary", "steps"})
	list, _ := steps.([]any)
	return list
}

// pauseOf is how long a canary step pauses: seconds as a number or text, or a text with a unit. It is 0 for another step, and for a pause
// that somebody must end.
func pauseOf(step any) time.Duration {
	v, ok := lookup(asMap(step), []string{"pause", "duration"})
	if !ok {
		return 0
	}
	said := fmt.Sprint(v)
	if seconds, err := strconv.ParseFloat(said, 64); err == nil {
		return time.Duration(seconds * float64(time.Second))
	}
	d, err := time.ParseDuration(said)
	if err != nil {
		return 0
	}
	return d
}

// argoSurge is how many pods the rollout of an Argo Rollout adds before it takes one away. With traffic routing, and with blue and green,
// the pods of the old template stay until those of the new one have all the traffic.
// https://argo-rollouts.readthedocs.io/en/stable/features/canary/, …/bluegreen/
func argoSurge(w *unstructured.Unstructured) int64 {
	strategy := []string{"spec", "strategy"}
	_, blueGreen := lookup(w.Object, append(strategy, "blueGreen"))
	_, routed := lookup(w.Object, append(strategy, "canary", "trafficRouting"))
	if blueGreen || routed {
		return desired(w)
	}
	return portionOf(w, "spec", "strategy", "canary", "maxSurge")
}
