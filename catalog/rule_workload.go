package catalog

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// noteWorkload reports what a workload is: not running, custom, bare, with an immutable selector.
func (e *estate) noteWorkload(r *reporter, a *app) {
	if !a.labelled() {
		return
	}
	e.noteNotRunning(r, a)
	switch {
	case a.ref.Kind == "Pod":
		r.add(Finding{Code: BarePod, Namespace: a.namespace, Object: a.object(),
			Message: "the pod has no controller that would make it again with other labels"})
	case !builtIn(a.ref):
		carrier := "a pod template"
		if a.podsAlone() {
			carrier = "a pod, whose template was not found,"
		}
		r.add(Finding{Code: CustomWorkload, Namespace: a.namespace, Object: a.object(),
			Message: fmt.Sprintf("%s of %s carries aadpodidbinding; no rule knows when its rollout is complete", carrier, a.ref.APIVersion),
			Remedy:  fmt.Sprintf("change the labels at %s, and check by hand that its pods are replaced", a.templatePath())})
	}
	if slices.ContainsFunc(a.uses, func(u *use) bool { return u.from.SelectsBinding && u.labelled }) {
		r.add(Finding{Code: ImmutableSelector, Namespace: a.namespace, Object: a.object(),
			Message: "spec.selector contains aadpodidbinding and is immutable, so the label cannot leave the template"})
	}
}

// labelled reports whether any of the app's pods or templates carries the old label.
func (a *app) labelled() bool {
	return slices.ContainsFunc(a.uses, func(u *use) bool { return u.labelled })
}

// podsAlone reports whether the app is known by its running pods alone.
func (a *app) podsAlone() bool {
	return !slices.ContainsFunc(a.uses, func(u *use) bool { return u.from.Kind != "Pod" })
}

// labels lists the distinct values of the old label in effect, sorted.
func (a *app) labels() []string {
	var out []string
	for _, u := range a.uses {
		if u.old() {
			out = append(out, u.label)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// templatePath says where the labels of a custom workload are written: its templates may be several.
func (a *app) templatePath() string {
	var paths []string
	for _, u := range a.uses {
		switch w := u.from; {
		case w.Ref != nil:
			return fmt.Sprintf("spec.template of %s/%s, which it runs", w.Ref.Kind, w.Ref.Name)
		case u.labelled && refOf(w) == a.ref && w.TemplatePath != "":
			paths = append(paths, w.TemplatePath)
		}
	}
	if len(paths) == 0 {
		return "its pod template"
	}
	return list(paths)
}

// noteNotRunning gives at most one finding per workload, whatever it has of reasons.
func (e *estate) noteNotRunning(r *reporter, a *app) {
	w := a.top
	if w == nil {
		w = a.uses[0].from
	}
	var why string
	switch {
	case w.Kind == "CronJob" && w.Suspended:
		why = "the CronJob is suspended"
	case w.Kind == "CronJob", w.Kind == "CronWorkflow", w.Kind == "ScheduledSparkApplication":
		why = "the " + w.Kind + " has pods only while it runs; the soak must cover its next run"
	case w.Kind == "Job" && w.Suspended:
		why = "the Job is suspended"
	case w.Replicas != nil && *w.Replicas == 0 && w.Kind != "Pod":
		why = "it is scaled to zero"
	case w.Suspended:
		why = "it is paused: a change of its template reaches no pod until it is resumed"
	default:
		return
	}
	r.add(Finding{Code: NotRunning, Namespace: a.namespace, Object: a.object(), Message: why})
}

// noteShared reports labelled templates of the whole cluster. Which service accounts run them is not written in them.
func (e *estate) noteShared(r *reporter) {
	for _, w := range e.shared {
		label := w.Template.Labels[podidentity.Label]
		if label == "" || !validName(w.Name) {
			continue
		}
		r.add(Finding{Code: CustomWorkload, Object: refOf(w).String(),
			Message: fmt.Sprintf("a template of the whole cluster carries aadpodidbinding: %q at %s; the service accounts that run it are not written in it",
				clip(label), w.TemplatePath),
			Remedy: "find who refers to it, and move them with it"})
		for _, b := range e.bySelector[label] {
			e.used[b] = true
		}
	}
}

// builtIn reports whether Kubernetes itself runs the kind.
func builtIn(ref WorkloadRef) bool {
	switch ref.Kind {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet":
		group := groupOf(ref.APIVersion)
		return group == "apps" || group == "extensions"
	case "Job", "CronJob":
		return groupOf(ref.APIVersion) == "batch"
	case "ReplicationController", "Pod":
		return !strings.Contains(ref.APIVersion, "/")
	}
	return false
}
