package cutover_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// halfAndPause is a canary that runs on one half of the pods for a time.
func halfAndPause(duration any) []any {
	return []any{map[string]any{"setWeight": int64(50)}, map[string]any{"pause": map[string]any{"duration": duration}}}
}

// What the status of an Argo Rollout means, in the words of its controller of version 1.9.
func TestTheProgressOfAnArgoRollout(t *testing.T) {
	pausedAt := func(reason string) func(status map[string]any) {
		return func(s map[string]any) {
			s["phase"], s["currentStepIndex"], s["currentPodHash"] = "Paused", int64(1), "new"
			s["pauseConditions"] = []any{map[string]any{"reason": reason, "startTime": "2026-01-01T00:00:00Z"}}
		}
	}
	canary := func(steps ...any) map[string]any {
		return map[string]any{"strategy": map[string]any{"canary": map[string]any{"steps": steps}}}
	}
	blueGreen := func(seconds int64) map[string]any {
		return map[string]any{"strategy": map[string]any{"blueGreen": map[string]any{"autoPromotionSeconds": seconds}}}
	}
	for name, tc := range map[string]struct {
		spec   map[string]any
		status func(map[string]any)
		want   cutover.Progress
	}{
		"Healthy, and the newest template is the stable one": {want: cutover.Progress{Complete: true}},
		"an older generation was seen":                       {status: func(s map[string]any) { s["observedGeneration"] = "1" }, want: cutover.Progress{Reason: "phase Healthy"}},
		"another template is the stable one":                 {status: func(s map[string]any) { s["currentPodHash"] = "new" }, want: cutover.Progress{Reason: "phase Healthy"}},
		"a pause for a time":                                 {spec: canary(halfAndPause("10m")...), status: pausedAt("CanaryPauseStep"), want: cutover.Progress{Reason: "for a time"}},
		"a pause for seconds":                                {spec: canary(halfAndPause(int64(30))...), status: pausedAt("CanaryPauseStep"), want: cutover.Progress{Reason: "for a time"}},
		"a pause for seconds as text":                        {spec: canary(halfAndPause("30")...), status: pausedAt("CanaryPauseStep"), want: cutover.Progress{Reason: "for a time"}},
		"a pause until somebody promotes it": {spec: canary(map[string]any{"setWeight": int64(50)}, map[string]any{"pause": map[string]any{}}),
			status: pausedAt("CanaryPauseStep"), want: cutover.Progress{Hold: cutover.HoldPaused, Reason: "promote it"}},
		"a pause because an analysis is inconclusive, at a step with a time": {spec: canary(halfAndPause("10m")...),
			status: pausedAt("InconclusiveAnalysisRun"), want: cutover.Progress{Hold: cutover.HoldPaused, Reason: "promote it"}},
		"blue and green, promoted by itself":  {spec: blueGreen(60), status: pausedAt("BlueGreenPause"), want: cutover.Progress{Reason: "for a time"}},
		"blue and green, promoted by someone": {spec: blueGreen(0), status: pausedAt("BlueGreenPause"), want: cutover.Progress{Hold: cutover.HoldPaused, Reason: "promote it"}},
		"paused by its spec": {spec: map[string]any{"paused": true}, status: func(s map[string]any) { s["phase"] = "Paused" },
			want: cutover.Progress{Hold: cutover.HoldPaused, Reason: "whoever paused it must resume it"}},
		"aborted, and its controller has not said so yet": {status: func(s map[string]any) { s["abort"] = true }, want: cutover.Progress{Failed: "degraded"}},
		"aborted": {status: func(s map[string]any) {
			s["phase"], s["message"] = "Degraded", "RolloutAborted: Rollout aborted update to revision 2"
		},
			want: cutover.Progress{Failed: "RolloutAborted"}},
		"the newest ReplicaSet cannot be created, and all else tells of the template before": {status: func(s map[string]any) {
			s["conditions"] = []any{map[string]any{"type": "Progressing", "status": "False", "reason": "ReplicaSetCreateError", "message": "quota"}}
		}, want: cutover.Progress{Reason: "ReplicaSetCreateError: quota"}},
	} {
		t.Run(name, func(t *testing.T) {
			status := map[string]any{"observedGeneration": "2", "phase": "Healthy", "currentPodHash": "old", "stableRS": "old"}
			if tc.status != nil {
				tc.status(status)
			}
			w := &unstructured.Unstructured{Object: map[string]any{"kind": "Rollout", "metadata": map[string]any{"generation": int64(2)}, "spec": tc.spec, "status": status}}
			p := cutover.Rollout(w, nil)
			if p.Complete != tc.want.Complete || p.Hold != tc.want.Hold || (p.Failed == "") != (tc.want.Failed == "") ||
				!strings.Contains(p.Failed, tc.want.Failed) || !strings.Contains(p.Reason, tc.want.Reason) {
				t.Errorf("%+v, want %+v", p, tc.want)
			}
		})
	}
}

func TestARolloutsOwnPauseIsNoStandstillAndNoHold(t *testing.T) {
	bubble(t, "two hours at one half", func(t *testing.T) {
		f := cutovertest.New(nil)
		c := f.AddCluster("aks-eastus-01", "eastus", 4)
		c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", Kind: "Rollout", Replicas: 4, Steps: halfAndPause(int64(2 * 60 * 60))})
		settle(t)
		f.ResetTally()
		p := planFor(t, f, nil)
		begin := time.Now()
		wantStates(t, mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), cutovertest.PassGates(), nil), p), cutover.Done)
		if took := time.Since(begin); took < 4*time.Hour {
			t.Errorf("it took %s, less than its two pauses", took)
		}
		wantNoHarm(t, f)
	})
}

// The Deployment that lends its template has no pod: what counts before a move is the Rollout that runs it.
func TestPreflightLooksAtTheRolloutThatBorrowsTheTemplate(t *testing.T) {
	const running = "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {namespace: payments, name: front}, spec: {%s}, status: {%s}}"
	const healthy = `observedGeneration: "1", workloadObservedGeneration: "1", phase: Healthy, currentPodHash: a, stableRS: a`
	canary, blueGreen := "strategy: {canary: {maxSurge: 1}}", "strategy: {blueGreen: {}}"
	quota := "{apiVersion: v1, kind: ResourceQuota, metadata: {namespace: payments, name: q}, status: {hard: {pods: 6}, used: {pods: 4}}}"
	for name, tc := range map[string]struct {
		code, spec, status string
		more               string
		want               cutover.Result
		says               string
	}{
		"it is quiet":    {code: "PF11", spec: canary, status: healthy, want: cutover.Pass},
		"it is paused":   {code: "PF11", spec: canary + ", paused: true", status: healthy, want: cutover.Inconclusive, says: "it is paused"},
		"it was aborted": {code: "PF11", spec: canary, status: `observedGeneration: "1", workloadObservedGeneration: "1", phase: Degraded, message: RolloutAborted`, want: cutover.Inconclusive, says: "RolloutAborted"},
		"it cannot scale": {code: "PF11", spec: canary, status: healthy, want: cutover.Inconclusive, says: "FailedGetScale", more: "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, " +
			"metadata: {namespace: payments, name: h}, spec: {scaleTargetRef: {kind: Rollout, name: front}}, status: {conditions: [{type: AbleToScale, status: 'False', reason: FailedGetScale}]}}"},
		"its surge has room":      {code: "PF12", spec: canary, status: healthy, more: quota, want: cutover.Pass},
		"blue and green have not": {code: "PF12", spec: blueGreen, status: healthy, more: quota, want: cutover.Fail, says: "2 left, and the rollout of Deployment/api adds 4"},
		"nor have two stacks behind one router": {code: "PF12", spec: "strategy: {canary: {maxSurge: 1, trafficRouting: {nginx: {stableIngress: front}}}}", status: healthy, more: quota,
			want: cutover.Fail, says: "adds 4"},
	} {
		t.Run(name, func(t *testing.T) {
			v := runPreflight(t, []string{tc.code}, func(w *world, target *cutover.Target, _ *cutover.PreflightOptions) {
				w.set("Deployment", "api", "spec replicas", int64(0))
				w.set("Deployment", "api", "status", map[string]any{"observedGeneration": int64(1)})
				w.add(fmt.Sprintf(running, tc.spec, tc.status))
				w.set("Rollout", "front", "metadata generation", int64(1)) // which YAML makes a float
				w.set("Rollout", "front", "spec replicas", int64(4))
				if tc.more != "" {
					w.add(tc.more)
				}
				borrower := &cutover.Ref{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout", Namespace: "payments", Name: "front"}
				target.Workloads[0].Borrower, target.Unit.Workloads[0].Borrower = borrower, borrower
			})
			said := func(e cutover.Evidence) bool { return strings.Contains(e.Got, tc.says) }
			if v.Result != tc.want || !slices.ContainsFunc(v.Evidence, said) {
				t.Errorf("%+v; want %s and %q", v, tc.want, tc.says)
			}
		})
	}
}
