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

// syncCronJob makes a Job when its time has come. It knows schedules of the form "*/N * * * *"; others run once an hour.
func (w *workload) syncCronJob() {
	if w.progress.After(w.c.fleet.now) || child(w.o.data, "spec")["suspend"] == true {
		return
	}
	if w.ordinals > 0 {
		w.makeJob()
	}
	w.ordinals++
	period := period(child(w.o.data, "spec")["schedule"])
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

func (w *workload) makeJob() {
	spec := deepCopy(child(w.o.data, "spec", "jobTemplate", "spec"))
	o := w.c.create(map[string]any{
		"apiVersion": "batch/v1", "kind": "Job", "spec": spec,
		"metadata": map[string]any{
			"name": fmt.Sprintf("%s-%d", w.o.name(), w.ordinals), "namespace": w.o.ns(), "ownerReferences": []any{w.ownerReference()},
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
