package cutovertest

// chains are the objects that stand between a custom resource and its pods, from the top.
var chains = map[string][][2]string{
	// https://knative.dev/docs/serving/
	"Service": {{"serving.knative.dev/v1", "Configuration"}, {"serving.knative.dev/v1", "Revision"}, {"apps/v1", "Deployment"}, {"apps/v1", "ReplicaSet"}},
	"Crew":    {{"example.com/v1", "Squad"}},
}

// runs reports whether something runs the objects of a kind.
func runs(kind string) bool {
	switch kind {
	case "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Rollout", "ScaledJob":
		return true
	}
	return chains[kind] != nil
}

// syncCustom brings up as many pods of the newest template as the application is to have, and then ends the others. How many that is, stands
// nowhere in the object.
func (w *workload) syncCustom() {
	now := w.current("")
	w.resize(now, w.app.Replicas)
	if _, ready, _ := w.count(now.hash); ready >= w.app.Replicas {
		for _, p := range w.of(func(h string) bool { return h != now.hash }) {
			p.end()
		}
	}
	if w.kind() == "Service" {
		w.setStatus(map[string]any{"observedGeneration": w.o.u().GetGeneration()})
		w.knative(now)
	}
}

// knative keeps what stands in the objects of a Knative Service: its Configuration names the newest Revision, and the Deployments of the others
// are at zero.
func (w *workload) knative(now *revision) {
	latest := w.o.name() + "-" + now.hash
	if o := w.c.find("Configuration", w.o.ns(), w.o.name()); o != nil {
		status := map[string]any{"latestCreatedRevisionName": latest, "latestReadyRevisionName": latest}
		if !sameJSON(o.data["status"], status) {
			o.data["status"] = status
			w.c.put(o)
		}
	}
	for _, r := range w.sets {
		o := w.c.find("Deployment", w.o.ns(), w.o.name()+"-"+r.hash)
		if o == nil {
			continue
		}
		all, _, _ := w.count(r.hash)
		if spec := child(o.data, "spec"); spec["replicas"] != int64(all) {
			spec["replicas"] = int64(all)
			w.c.put(o)
		}
	}
}

// chain makes what stands between the object and the pods of a revision, and returns the reference to the lowest.
func (w *workload) chain(r *revision) map[string]any {
	owner := w.ownerReference()
	labels := map[string]any{}
	if w.kind() == "Service" {
		labels["serving.knative.dev/configuration"] = w.o.name()
	}
	for _, link := range chains[w.kind()] {
		name := w.o.name() + "-" + r.hash
		if link[1] == "Configuration" { // one for all
			name = w.o.name()
		}
		o := w.c.find(link[1], w.o.ns(), name)
		if o == nil {
			o = w.c.create(map[string]any{"apiVersion": link[0], "kind": link[1],
				"metadata": map[string]any{"name": name, "namespace": w.o.ns(), "ownerReferences": []any{owner}, "labels": deepCopy(labels)},
				"spec":     map[string]any{"template": deepCopy(r.template)}}, "")
		}
		owner = map[string]any{"apiVersion": link[0], "kind": link[1], "name": name, "uid": o.uid(), "controller": true}
	}
	return owner
}
