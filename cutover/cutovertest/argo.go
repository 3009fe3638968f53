package cutovertest

import (
	"strconv"
	"time"
)

// syncRollout is one look of Argo Rollouts, with a canary whose weights are set by numbers of pods.
func (w *workload) syncRollout() {
	now := w.current("ReplicaSet")
	now.minReady = w.spec(0, "minReadySeconds")
	want := w.spec(1, "replicas")
	status := deepCopy(child(w.o.data, "status"))
	if status["currentPodHash"] != now.hash { // a template that is new, or an old one again: from the first step, and free of what was before
		status["currentPodHash"], status["currentStepIndex"], status["pauseConditions"], status["abort"] = now.hash, int64(0), nil, nil
	}
	if stable, _ := status["stableRS"].(string); stable == "" || stable == now.hash {
		status["currentStepIndex"] = int64(len(w.steps())) // nothing to try out
	}
	switch stable := w.set(status["stableRS"]); {
	case status["abort"] == true && stable != nil:
		status["pauseConditions"] = nil
		w.roll(stable, want, want)
	case child(w.o.data, "spec")["paused"] != true:
		w.step(status, now, want)
	}
	w.replicas = want
	w.deploymentStatus(now, want, status)
}

func (w *workload) steps() []any {
	steps, _ := child(w.o.data, "spec", "strategy", "canary")["steps"].([]any)
	return steps
}

// set is the revision with the hash; nil for none.
func (w *workload) set(hash any) *revision {
	for _, r := range w.sets {
		if r.hash == hash {
			return r
		}
	}
	return nil
}

// step does what the step at hand says, and goes on to the next when it is done.
func (w *workload) step(status map[string]any, now *revision, want int) {
	steps, i := w.steps(), integer(status["currentStepIndex"], 0)
	share := w.share(steps[:min(i+1, len(steps))], i >= len(steps), want)
	w.roll(now, want, share)
	if i >= len(steps) {
		return
	}
	_, _, fresh := w.count(now.hash)
	done := fresh >= share && len(w.pods) == want
	if pause, ok := steps[i].(map[string]any)["pause"].(map[string]any); ok {
		done = w.paused(status, pause)
	}
	if done {
		w.progress = w.c.fleet.now
		status["currentStepIndex"], status["pauseConditions"], status["controllerPause"] = int64(i+1), nil, nil
		w.changed()
	}
}

// share is how many of all pods run the new template, by the last weight that was set; a weight is never rounded down to none.
func (w *workload) share(reached []any, all bool, want int) int {
	if all {
		return want
	}
	weight := 0
	for _, s := range reached {
		weight = integer(s.(map[string]any)["setWeight"], weight)
	}
	return (want*weight + 99) / 100
}

// paused reports whether a pause is over: after its time, or when somebody has taken the condition away.
func (w *workload) paused(status, pause map[string]any) (over bool) {
	conditions, _ := status["pauseConditions"].([]any)
	if len(conditions) == 0 && status["controllerPause"] == true {
		return true
	}
	seconds := integer(pause["duration"], 0)
	if len(conditions) == 0 {
		status["controllerPause"] = true
		status["pauseConditions"] = []any{map[string]any{"reason": "CanaryPauseStep", "startTime": w.c.fleet.now.Format(time.RFC3339Nano)}}
		if seconds > 0 {
			w.lookAgain(time.Duration(seconds) * time.Second)
		}
		return false
	}
	start, err := time.Parse(time.RFC3339Nano, conditions[0].(map[string]any)["startTime"].(string))
	lasts := time.Duration(float64(seconds) * w.c.fleet.opts.Pace * float64(time.Second))
	return err == nil && seconds > 0 && !start.Add(lasts).After(w.c.fleet.now)
}

// argoStatus adds what Argo Rollouts says of a rollout; progressing is the reason of its Progressing condition.
func (w *workload) argoStatus(s, old map[string]any, now *revision, done bool, progressing string) {
	s["observedGeneration"] = strconv.FormatInt(w.o.u().GetGeneration(), 10)
	for _, name := range []string{"currentStepIndex", "pauseConditions", "controllerPause", "abort", "stableRS"} {
		if v := old[name]; v != nil {
			s[name] = v
		}
	}
	s["currentPodHash"], s["phase"] = now.hash, "Progressing"
	if lender := w.lender(); lender != nil {
		s["workloadObservedGeneration"] = strconv.FormatInt(lender.u().GetGeneration(), 10)
	}
	pauses, _ := s["pauseConditions"].([]any)
	switch {
	case s["abort"] == true:
		s["phase"], s["message"] = "Degraded", "RolloutAborted: Rollout aborted update to revision "+strconv.Itoa(now.number)
	case progressing == "ProgressDeadlineExceeded":
		s["phase"], s["message"] = "Degraded", "ProgressDeadlineExceeded"
	case len(pauses) > 0 || child(w.o.data, "spec")["paused"] == true:
		s["phase"], s["message"] = "Paused", "CanaryPauseStep"
	case done && integer(old["currentStepIndex"], 0) >= len(w.steps()):
		s["phase"], s["stableRS"] = "Healthy", now.hash
	}
}
