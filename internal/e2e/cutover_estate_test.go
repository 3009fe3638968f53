package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/controlplane"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/objects"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
)

// resident is one application of a fleet that is to be moved: a workload of some kind in a namespace of its own.
type resident struct {
	app.App
	Kind    string
	cluster *fleet.Cluster
	// Steps are those of a Rollout's canary. Borrows leaves its template in a Deployment at zero of the same name.
	Steps   []any
	Borrows bool
	// Job adds a Job on the same identity, which cannot change and must end by itself after JobRuns; 0 means as any Job here.
	Job     bool
	JobRuns time.Duration
	// OnDelete leaves it to whoever deletes a pod when the next one has the new template.
	OnDelete bool
	// Sibling adds a second workload on the same service account.
	Sibling bool
	// Probe approves that a pod of an idle application is started, judged and taken away again.
	Probe bool
	// Hollow applications have pods in which nothing runs.
	Hollow bool
	// Node keeps all pods on the node of that name.
	Node string
	// MinReady is how many seconds a pod must be Ready before it counts as available, so that a rollout takes its time.
	MinReady int
}

const rolloutVersion = "argoproj.io/v1alpha1"

// idle applications never run a pod.
func (r resident) idle() bool { return r.Kind == "Deployment" && r.Replicas == 0 }

// newResident puts an application on Pod Identity. Those of one name in two clusters share their identity.
func newResident(f *fleet.Fleet, c *fleet.Cluster, kind, name string, replicas int, period time.Duration) resident {
	return resident{Kind: kind, cluster: c, App: app.App{Namespace: name, Name: name, Identity: f.Identity("rg-"+name, "id-"+name), Replicas: replicas,
		OnPodIdentity: true, Period: period, Scopes: []string{"https://vault.azure.net/.default", "https://storage.azure.com/.default"}}}
}

// deploy creates the application: the manifests of package app, with the Deployment's template in an object of the resident's kind.
func (r resident) deploy(t *testing.T) {
	t.Helper()
	manifests := r.YAML()
	if r.Hollow {
		manifests = strings.ReplaceAll(manifests, workload.ImagePrefix, "example.test/app")
	}
	all, err := objects.Parse([]byte(manifests))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		if o.GetKind() == "HorizontalPodAutoscaler" && r.Kind == "Rollout" {
			target := map[string]any{"apiVersion": rolloutVersion, "kind": r.Kind, "name": r.Name}
			o.Object["spec"].(map[string]any)["scaleTargetRef"] = target
		}
		if o.GetKind() != "Deployment" {
			continue
		}
		if r.Job {
			all = append(all, jobOf(o, r.Name+"-once", r.JobRuns))
		}
		if r.Sibling {
			all = append(all, siblingOf(o, r.Name+"-too"))
		}
		if r.Borrows {
			all = append(all, lenderOf(o))
		}
		r.shape(o)
	}
	if err := r.cluster.Objects.Apply(t.Context(), all...); err != nil {
		t.Fatal(err)
	}
}

// shape turns a Deployment into the resident's kind.
func (r resident) shape(o *unstructured.Unstructured) {
	spec := o.Object["spec"].(map[string]any)
	o.SetKind(r.Kind)
	if r.MinReady > 0 {
		spec["minReadySeconds"] = int64(r.MinReady)
	}
	if r.Kind != "DaemonSet" {
		spread(spec, r.Name)
	}
	if r.Node != "" {
		_ = unstructured.SetNestedField(spec, r.Node, "template", "spec", "nodeSelector", corev1.LabelHostname) //nolint:errcheck // as above
	}
	if r.OnDelete {
		spec["updateStrategy"] = map[string]any{"type": "OnDelete"}
	}
	switch r.Kind {
	case "Rollout":
		o.SetAPIVersion(rolloutVersion)
		spec["strategy"] = map[string]any{"canary": map[string]any{"steps": r.Steps}}
		if r.Borrows {
			delete(spec, "template")
			delete(spec, "selector")
			spec["workloadRef"] = map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": r.Name}
		}
	case "StatefulSet":
		spec["serviceName"] = r.Name
	case "DaemonSet":
		delete(spec, "replicas")
	case "CronJob": // at New Year: it runs when the load says so
		o.SetAPIVersion("batch/v1")
		o.Object["spec"] = map[string]any{"schedule": "0 0 1 1 *", "jobTemplate": map[string]any{"spec": jobSpec(spec)}}
	}
}

// spread has the pods of a template come to lie on as many nodes as there are: what a test fleet's nodes bear already is no measure.
func spread(spec map[string]any, app string) {
	_ = unstructured.SetNestedSlice(spec, []any{map[string]any{ //nolint:errcheck // the manifests of package app have a template
		"maxSkew": int64(1), "topologyKey": corev1.LabelHostname, "whenUnsatisfiable": "DoNotSchedule",
		"labelSelector": map[string]any{"matchLabels": map[string]any{"app": app}}, "matchLabelKeys": []any{"pod-template-hash"},
	}}, "template", "spec", "topologySpreadConstraints")
}

func jobSpec(deployment map[string]any) map[string]any {
	template := unstructured.Unstructured{Object: deployment["template"].(map[string]any)}.Object
	template = maps.Clone(template)
	pod := maps.Clone(template["spec"].(map[string]any))
	pod["restartPolicy"] = "Never"
	template["spec"] = pod
	return map[string]any{"template": template}
}

// lenderOf is the same Deployment without pods, whose template somebody else runs.
func lenderOf(deployment *unstructured.Unstructured) *unstructured.Unstructured {
	o := deployment.DeepCopy()
	o.Object["spec"].(map[string]any)["replicas"] = int64(0)
	return o
}

// siblingOf is the same Deployment under another name.
func siblingOf(deployment *unstructured.Unstructured, name string) *unstructured.Unstructured {
	o := deployment.DeepCopy()
	o.SetName(name)
	for _, path := range [][]string{{"spec", "selector", "matchLabels", "app"}, {"spec", "template", "metadata", "labels", "app"}} {
		_ = unstructured.SetNestedField(o.Object, name, path...) //nolint:errcheck // the manifests of package app have these
	}
	return o
}

func jobOf(deployment *unstructured.Unstructured, name string, runs time.Duration) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "batch/v1", "kind": "Job",
		"metadata": map[string]any{"name": name, "namespace": deployment.GetNamespace()},
		"spec":     jobSpec(deployment.Object["spec"].(map[string]any))}}
	labels := o.Object["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)
	own := maps.Clone(labels)
	own["app"] = name // or the Deployment's selector would count its pods
	meta := map[string]any{"labels": own}
	if runs > 0 {
		meta["annotations"] = map[string]any{controlplane.RunsForAnnotation: runs.String()}
	}
	o.Object["spec"].(map[string]any)["template"].(map[string]any)["metadata"] = meta
	return o
}

// dismiss takes the autoscaler of an application away whose test is over: it would be busy with it for as long as the cluster lives.
func dismiss(ctx context.Context, c *fleet.Cluster, name string) error {
	err := c.Client.AutoscalingV2().HorizontalPodAutoscalers(name).Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// awaitResidents waits until every application that runs takes tokens by Pod Identity. CronJobs have nothing to wait for.
func awaitResidents(t *testing.T, residents []resident) {
	t.Helper()
	for _, r := range residents {
		if r.idle() || r.Kind == "CronJob" {
			continue
		}
		fleet.Await(t, fmt.Sprintf("%s/%s to take tokens", r.cluster.Name, r.Name), func() (bool, error) {
			taking := 0
			for _, p := range r.cluster.Reports() {
				if p.Namespace == r.Namespace && !p.Ended && p.Taken > 0 {
					taking++
				}
			}
			return taking >= max(r.Replicas, 1), nil
		})
	}
}
