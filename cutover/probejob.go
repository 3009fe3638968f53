package cutover

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// ProbeLabel is on the pods of one-off Jobs that stand in for an idle workload. Its value is "true".
const ProbeLabel = "wimigrate.github.io/probe"

const (
	// instantiated is what kubectl create job --from writes onto the Job of a CronJob.
	// https://kubernetes.io/docs/reference/kubectl/generated/kubectl_create/kubectl_create_job/
	instantiated = "cronjob.kubernetes.io/instantiate"
	// afterProbe is how long a one-off Job may outlive the time that its gate has, and how long it is kept when it is over.
	afterProbe = 5 * time.Minute
)

// cronRun is the Job that kubectl create job --from would make of a CronJob.
func cronRun(cron *unstructured.Unstructured) map[string]any {
	found, _ := lookup(cron.Object, []string{"spec", "jobTemplate"})
	template, _ := found.(map[string]any)
	job := runtime.DeepCopyJSON(template)
	if job == nil {
		job = map[string]any{}
	}
	setAt(job, annotation(instantiated), "manual")
	return ownedJob(job, cron)
}

// serviceJob is a Job of one pod from the template of a workload that is no batch job: without the labels of its selector, so that
// nothing takes the pod for one of the workload's, and bounded in time, so that it ends even if nobody is left to end it.
func serviceJob(w *liveWorkload, owner *unstructured.Unstructured, during time.Duration) map[string]any {
	template := runtime.DeepCopyJSON(w.raw)
	labels, _ := lookup(template, []string{"metadata", "labels"})
	mine, _ := labels.(map[string]any)
	for _, o := range []*unstructured.Unstructured{w.Unstructured, owner} {
		selected, _ := lookup(o.Object, []string{"spec", "selector", "matchLabels"})
		for key := range asMap(selected) {
			delete(mine, key)
		}
	}
	setAt(template, []string{"metadata", "labels", ProbeLabel}, "true")
	setAt(template, []string{"spec", "restartPolicy"}, "Never")
	return ownedJob(map[string]any{"spec": map[string]any{
		"template": template, "backoffLimit": int64(0), "completions": int64(1), "parallelism": int64(1),
		"activeDeadlineSeconds":   int64((max(during, minRollout) + afterProbe) / time.Second),
		"ttlSecondsAfterFinished": int64(afterProbe / time.Second),
	}}, owner)
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// ownedJob completes a Job of an owner: deleted with it, and, as with kubectl, no hindrance to its deletion.
func ownedJob(job map[string]any, owner *unstructured.Unstructured) map[string]any {
	job["apiVersion"], job["kind"] = "batch/v1", "Job"
	setAt(job, []string{"metadata", "namespace"}, owner.GetNamespace())
	setAt(job, []string{"metadata", "ownerReferences"}, []any{map[string]any{
		"apiVersion": owner.GetAPIVersion(), "kind": owner.GetKind(), "name": owner.GetName(), "uid": string(owner.GetUID()), "controller": true,
	}})
	return job
}

// jobName is a name for the n-th probe of a record's epoch: another for every Job, and no longer than the label that its pods get.
func (u *unitRun) jobName(owner string) string {
	u.probed++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%s/%d/%d", u.plan.Digest, u.unit.ID, owner, u.rec.Epoch, u.probed))
	return owner[:min(len(owner), 40)] + "-probe-" + hex.EncodeToString(sum[:])[:8]
}
