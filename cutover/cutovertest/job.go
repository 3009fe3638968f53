package cutovertest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// jobTime is how long the pod of a Job runs.
const jobTime = 2 * time.Minute

// serviceTime is how long the pod of a Job runs that was made from the template of a service.
const serviceTime = 30 * 24 * time.Hour

// syncCronJob makes a Job when its time has come, and for a ScaledJob as many as it has replicas. It knows schedules of the form
// "*/N * * * *"; others run once an hour.
func (w *workload) syncCronJob() {
	if w.progress.After(w.c.fleet.now) || child(w.o.data, "spec")["suspend"] == true {
		return
	}
	jobs, schedule := 1, child(w.o.data, "spec")["schedule"]
	if w.kind() == "ScaledJob" {
		jobs, schedule = w.app.Replicas, w.app.Schedule
	}
	for n := 0; w.ordinals > 0 && n < jobs; n++ {
		w.makeJob(n)
	}
	w.ordinals++
	period := period(schedule)
	w.progress = w.c.fleet.now.Add(time.Duration(float64(period) * w.c.fleet.opts.Pace))
	w.lookAgain(period)
}

func period(schedule any) time.Duration {
	s, _ := schedule.(string)
	minutes, ok := strings.CutPrefix(strings.SplitN(s, " ", 2)[0], "*/")
	n, err := strconv.Atoi(minutes)
	if !ok || err != nil || n <= 0 {
		return time.Hour
	}
	return time.Duration(n) * time.Minute
}

func (w *workload) makeJob(n int) {
	name := fmt.Sprintf("%s-%d", w.o.name(), w.ordinals)
	if n > 0 {
		name = fmt.Sprintf("%s-%d", name, n)
	}
	spec := map[string]any{"template": deepCopy(w.template())}
	if w.kind() == "CronJob" {
		spec = deepCopy(child(w.o.data, "spec", "jobTemplate", "spec"))
	}
	o := w.c.create(map[string]any{
		"apiVersion": "batch/v1", "kind": "Job", "spec": spec,
		"metadata": map[string]any{
			"name": name, "namespace": w.o.ns(), "ownerReferences": []any{w.ownerReference()},
		},
	}, "")
	w.c.adopt(o, w.app)
}

// syncJob runs one pod and completes; finished Jobs of a CronJob go after a while.
func (w *workload) syncJob() {
	now := w.c.fleet.now
	if w.ends.IsZero() {
		runs := jobTime
		if w.app.Runs > 0 {
			runs = w.app.Runs
		}
		w.ends = now.Add(time.Duration(float64(runs) * w.c.fleet.opts.Pace))
		if !w.bear(w.current(""), "") {
			w.ends = time.Time{}
			return
		}
		w.lookAgain(runs)
	}
	if now.Before(w.ends) || w.over || slices.ContainsFunc(w.pods, func(p *pod) bool { return p.outlived }) {
		return
	}
	for _, p := range w.of(func(string) bool { return true }) {
		p.end()
	}
	if _, done := child(w.o.data, "status")["conditions"]; done {
		return
	}
	w.setStatus(map[string]any{"succeeded": int64(1), "conditions": []any{map[string]any{"type": "Complete", "status": "True"}}})
	if len(w.o.u().GetOwnerReferences()) > 0 {
		w.c.fleet.after(time.Hour, func() {
			if !w.over {
				w.c.remove(w.o)
			}
		})
	}
}
