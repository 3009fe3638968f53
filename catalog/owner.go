package catalog

import (
	"regexp"
	"strconv"
	"strings"
)

// owners finds the top owner of an object without asking a cluster: among the workloads of the snapshot by UID, then by group, kind
// and name, and where a link is missing by the names and labels that controllers are known to write.
type owners struct {
	byUID  map[string]*Workload
	byName map[ownerName]*Workload
}

// ownerName is what an owner reference says of an object, beside its UID.
type ownerName struct{ namespace, group, kind, name string }

func (m *Meta) ownerName() ownerName { return ownerName{m.Namespace, m.group(), m.Kind, m.Name} }

// in names the owner of an object of that namespace.
func (o Owner) in(namespace string) ownerName {
	return ownerName{namespace, groupOf(o.APIVersion), o.Kind, o.Name}
}

func newOwners(all []*Workload) owners {
	o := owners{byUID: make(map[string]*Workload, len(all)), byName: make(map[ownerName]*Workload, len(all))}
	for _, w := range all {
		if w.UID != "" {
			o.byUID[w.UID] = w
		}
		o.byName[w.ownerName()] = w
	}
	return o
}

// maxClimb bounds a chain of owners, and so a loop of hostile ones. Real chains end by five (Knative).
const maxClimb = 8

// top climbs to the top owner. It returns the workload itself where the snapshot holds it, else nil with its name.
func (o owners) top(w *Workload) (WorkloadRef, *Workload) {
	cur := w
	for range maxClimb {
		if cur.Owner == nil || cur.Owner.Kind == "Node" { // a node owns mirror pods, and no template
			return refOf(cur), cur
		}
		next := o.find(cur.Namespace, *cur.Owner)
		if next == nil {
			return o.guess(cur.Namespace, *cur.Owner, w.Template.Labels)
		}
		cur = next
	}
	return refOf(w), w
}

func (o owners) find(namespace string, ow Owner) *Workload {
	if w := o.byUID[ow.UID]; w != nil && ow.UID != "" && w.Namespace == namespace {
		return w
	}
	return o.byName[ow.in(namespace)]
}

// guess names the top owner above an owner that the snapshot does not hold. labels are the pod's.
func (o owners) guess(namespace string, ow Owner, labels map[string]string) (WorkloadRef, *Workload) {
	parent := parentOf(ow, labels)
	if w := o.find(namespace, parent); w != nil {
		if w.Owner == nil {
			return refOf(w), w
		}
	}
	return WorkloadRef{APIVersion: text(parent.APIVersion), Kind: text(parent.Kind), Name: text(parent.Name)}, nil
}

// Labels that controllers write on the pods that they own.
const (
	labelTemplateHash        = "pod-template-hash"
	labelRolloutTemplateHash = "rollouts-pod-template-hash"
	labelKnativeService      = "serving.knative.dev/service"
	labelCronWorkflow        = "workflows.argoproj.io/cron-workflow"
)

// parentOf says which object owns ow, or ow itself when nothing tells.
func parentOf(ow Owner, labels map[string]string) Owner {
	if name := labels[labelKnativeService]; name != "" {
		return Owner{APIVersion: "serving.knative.dev/v1", Kind: "Service", Name: name}
	}
	switch {
	case ow.Kind == "ReplicaSet":
		if name, ok := cutHash(ow.Name, labels[labelRolloutTemplateHash]); ok {
			return Owner{APIVersion: "argoproj.io/v1alpha1", Kind: "Rollout", Name: name}
		}
		if name, ok := cutHash(ow.Name, labels[labelTemplateHash]); ok {
			return Owner{APIVersion: "apps/v1", Kind: "Deployment", Name: name}
		}
	case ow.Kind == "Job" && groupOf(ow.APIVersion) == "batch":
		if name, ok := cutSchedule(ow.Name); ok {
			return Owner{APIVersion: "batch/v1", Kind: "CronJob", Name: name}
		}
	case ow.Kind == "Workflow":
		if name := labels[labelCronWorkflow]; name != "" {
			return Owner{APIVersion: ow.APIVersion, Kind: "CronWorkflow", Name: name}
		}
	}
	return ow
}

func cutHash(name, hash string) (string, bool) {
	if hash == "" {
		return "", false
	}
	base, ok := strings.CutSuffix(name, "-"+hash)
	return base, ok && base != ""
}

var scheduled = regexp.MustCompile(`^(.+)-(\d{8}|\d{10})$`)

// cutSchedule undoes the name that the CronJob controller gives a Job: the minutes since 1970 of its schedule, or the seconds in
// releases before 1.21 (https://github.com/kubernetes/kubernetes, pkg/controller/cronjob, getJobName). Numbers that
// are no time of these decades, such as a date 20230101, are left alone.
func cutSchedule(name string) (string, bool) {
	m := scheduled.FindStringSubmatch(name)
	if m == nil {
		return "", false
	}
	n, err := strconv.ParseInt(m[2], 10, 64)
	if err != nil {
		return "", false
	}
	const minutes2016, minutes2060 = 24_200_000, 47_400_000
	if len(m[2]) == 10 {
		n /= 60
	}
	return m[1], n >= minutes2016 && n <= minutes2060
}

func refOf(w *Workload) WorkloadRef {
	return WorkloadRef{APIVersion: text(w.APIVersion), Kind: text(w.Kind), Name: w.Name}
}
