package cutover_test

import (
	"context"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// timedPod is a pod of Deployment api that became Ready some time after it was scheduled, an hour after it was made.
func timedPod(t *testing.T, took time.Duration, change func(*corev1.Pod)) *corev1.Pod {
	t.Helper()
	made := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) metav1.Time { return metav1.NewTime(made.Add(d)) }
	return apiPod("new", func(p *corev1.Pod) {
		p.CreationTimestamp = at(0)
		p.Status.Conditions = []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: at(time.Hour)},
			{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: at(time.Hour + took)},
		}
		if change != nil {
			change(p)
		}
	})
}

func TestReadyInTime(t *testing.T) {
	const s = time.Second
	before := cutover.ReadyTimes{Workload: "Deployment/api", Pods: 3, P95: 60 * s}
	for _, tc := range []struct {
		name   string
		took   []time.Duration
		before cutover.ReadyTimes
		opts   *cutover.ReadyOptions
		change func(*corev1.Pod)
		want   cutover.Result
		says   string
	}{
		{"as fast as before passes", []time.Duration{50 * s, 61 * s, 55 * s}, before, nil, nil, cutover.Pass, "of 3 new pods Ready within 1m1s"},
		{"half as long again passes", []time.Duration{90 * s}, before, nil, nil, cutover.Pass, ""},
		{"longer than that fails", []time.Duration{50 * s, 91 * s}, before, nil, nil, cutover.Fail, "want 95 % within 1m30s"},
		{"one slow pod in forty is no regression", append(manyTimes(39, 60*s), 300*s), before, nil, nil, cutover.Pass, ""},
		{"three slow pods in forty are", append(manyTimes(37, 60*s), 300*s, 300*s, 300*s), before, nil, nil, cutover.Fail, ""},
		{"a few seconds are within the floor", []time.Duration{11 * s}, cutover.ReadyTimes{Workload: "Deployment/api", Pods: 3, P95: s}, nil, nil, cutover.Pass, ""},
		{"and no more than those", []time.Duration{12 * s}, cutover.ReadyTimes{Workload: "Deployment/api", Pods: 3, P95: s}, nil, nil, cutover.Fail, ""},
		{"a factor of one's own", []time.Duration{170 * s}, before, &cutover.ReadyOptions{Factor: 3}, nil, cutover.Pass, ""},
		{"not compared where the factor is negative", []time.Duration{500 * s}, before, &cutover.ReadyOptions{Factor: -1}, nil, cutover.Pass, "not compared"},
		{"too few pods before are no baseline, and that is said", []time.Duration{500 * s}, cutover.ReadyTimes{Workload: "Deployment/api", Pods: 2, P95: s}, nil, nil, cutover.Pass, "no baseline: fewer than 3"},
		{"the times of another workload are no baseline", []time.Duration{500 * s}, cutover.ReadyTimes{Workload: "Deployment/other", Pods: 9, P95: s}, nil, nil, cutover.Pass, "no baseline"},
		{"pods that are not Ready cannot be timed", []time.Duration{s}, before, nil, func(p *corev1.Pod) { p.Status.Conditions = nil }, cutover.Inconclusive, "none of its new pods"},
		{"nor those that restarted", []time.Duration{s}, before, nil, func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{RestartCount: 1}}
		}, cutover.Inconclusive, "none of its new pods"},
		{"nor those that lost their readiness and found it again much later", []time.Duration{time.Hour}, before, nil, nil, cutover.Inconclusive, "none of its new pods"},
		{"without a time of scheduling the creation counts", []time.Duration{-59 * time.Minute}, before, nil, func(p *corev1.Pod) {
			p.Status.Conditions = p.Status.Conditions[1:]
		}, cutover.Pass, "within 1m0s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var pods []*corev1.Pod
			for _, took := range tc.took {
				pods = append(pods, timedPod(t, took, tc.change))
			}
			target := apiTarget(readerFuncs{list: listing(t, pods...)})
			target.Revision = map[string]string{"Deployment/api": "new"}
			target.Baseline = []cutover.ReadyTimes{tc.before}
			v := cutover.ReadyInTime(tc.opts)(t.Context(), target)
			if v.Result != tc.want || !strings.Contains(v.Evidence[0].String(), tc.says) {
				t.Errorf("%s: %s; want %s with %q", v.Result, v.Evidence[0], tc.want, tc.says)
			}
		})
	}
}

func manyTimes(n int, d time.Duration) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = d
	}
	return out
}

func TestPodsThatStartSlowerAreCaught(t *testing.T) {
	slow := func(when func(bound, injected bool) bool) cutovertest.App {
		return cutovertest.App{Replicas: 4, StartsLater: func(bound, injected bool) time.Duration {
			if when(bound, injected) {
				return 30 * time.Second
			}
			return 0
		}}
	}
	bubble(t, "after the first rollout", func(t *testing.T) {
		app := slow(func(_, injected bool) bool { return injected })
		runTrap(t, app, false, nil, nil, nil, cutover.RolledBack, "dualPath/Deployment/web", "new pods Ready within")
	})
	bubble(t, "at the canary of the second", func(t *testing.T) {
		app := slow(func(bound, _ bool) bool { return !bound })
		runTrap(t, app, false, nil, nil, nil, cutover.RolledBack, "canary/Deployment/web", "of 2 new pods Ready within")
	})
	bubble(t, "under load", func(t *testing.T) {
		app := slow(func(_, injected bool) bool { return injected })
		g := cutovertest.PassGates()
		g.Annotated = cutover.Eventually(cutover.InjectionProbe(3), time.Minute, time.Second)
		g.Load = cutover.Load(&cutover.LoadOptions{Deadline: time.Hour})
		f, c := oneApp(t, app)
		breathe(c, "Deployment", "web", 4, 12)
		rep := mustRun(t, runnerFor(t, f, cutovertest.NewJournal(), g, nil), planFor(t, f, nil))
		if u := rep.Units[0]; u.State != cutover.RolledBack || !strings.Contains(u.Reason, "new pods Ready within") {
			t.Errorf("%s: %s", u.State, u.Reason)
		}
	})
}

func TestTheBaselineIsThatOfTheTimeBefore(t *testing.T) {
	var seen []cutover.ReadyTimes
	gates := func() cutover.Gates {
		g := cutovertest.PassGates()
		g.LoadAgain = func(_ context.Context, t cutover.Target) cutover.Verdict {
			seen = t.Baseline
			return cutover.Verdict{Result: cutover.Inconclusive, Reason: "later"}
		}
		return g
	}
	app := cutovertest.App{Replicas: 5, StartsLater: func(_, injected bool) time.Duration {
		if injected {
			return time.Minute
		}
		return 0
	}}
	bubble(t, "it is in the journal, and a run that resumes has it", func(t *testing.T) {
		f, _ := oneApp(t, app)
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		for range 2 {
			seen = nil
			mustRun(t, runnerFor(t, f, j, gates(), nil), p)
			if len(seen) != 1 || seen[0].Pods != 5 || seen[0].P95 < 4*time.Second || seen[0].P95 > 9*time.Second {
				t.Errorf("baseline %+v", seen)
			}
		}
	})
	bubble(t, "a journal that was lost does not take new pods for old ones", func(t *testing.T) {
		f, _ := oneApp(t, app)
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		mustRun(t, runnerFor(t, f, j, gates(), nil), p)
		j.Lose()
		mustRun(t, runnerFor(t, f, j, gates(), nil), p)
		if seen != nil {
			t.Errorf("baseline %+v of pods that were changed already", seen)
		}
	})
}
