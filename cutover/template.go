package cutover

import (
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// templatePath returns where the pod template lies in an object of a known kind, as a path of keys; nil for a kind that no rule knows.
func templatePath(apiVersion, kind string) []string {
	group, _, found := strings.Cut(apiVersion, "/")
	if !found {
		group = ""
	}
	switch group + "/" + kind {
	case "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "apps/ReplicaSet", "batch/Job",
		"argoproj.io/Rollout", "serving.knative.dev/Service":
		return []string{"spec", "template"}
	case "batch/CronJob":
		return []string{"spec", "jobTemplate", "spec", "template"}
	case "keda.sh/ScaledJob":
		return []string{"spec", "jobTargetRef", "template"}
	}
	return nil
}

// foundTemplate is where a snapshot found the pod template of a kind that templatePath does not know, as a path of keys and indexes. Where it
// was found by its shape alone, a person must change it. What is no pod template is nil: some kinds keep labels and service account
// elsewhere, and a field that such an object does not have would be lost.
func foundTemplate(w catalog.Workload) (path []string, manual bool) {
	path = strings.FieldsFunc(w.TemplatePath, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	switch {
	case len(path) == 0:
		return nil, false
	case w.Heuristic:
		return path, true
	case path[len(path)-1] == "template" && !strings.Contains(w.TemplatePath, "["):
		return path, false
	}
	return nil, false
}

// leftToFinish reports whether objects of the kind cannot change their template: they end on the old path.
func leftToFinish(kind string) bool { return kind == "Job" || kind == "Pod" }

// comesByRuns reports whether the pods of a kind come and go by runs: each bears pods of its own, and between two there are none.
func comesByRuns(kind string) bool { return kind == "CronJob" || kind == "ScaledJob" }

// canHold reports whether the second rollout of a kind can be held at a few pods by fields outside the pod template.
func canHold(kind string) bool {
	return kind == "Deployment" || kind == "StatefulSet" || kind == "DaemonSet"
}
