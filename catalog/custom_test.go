package catalog_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
)

// found is what is compared of a workload that a rule found.
type found struct {
	Path, Label, Use, ServiceAccount string
	Heuristic, Suspended             bool
	Ref                              string
}

func TestPodTemplatesAreFoundInCustomResources(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want []found
	}{
		"an Argo Rollout with a template": {`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: x}
spec: {paused: true, template: {metadata: {labels: {aadpodidbinding: web}}, spec: {serviceAccountName: sa}}}
`, []found{{Path: "spec.template", Label: "web", ServiceAccount: "sa", Suspended: true}}},
		"an Argo Rollout that borrows one": {`
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: x}
spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
`, []found{{Ref: "Deployment/web"}}},
		"a Knative Service": {`
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: x}
spec: {template: {metadata: {labels: {aadpodidbinding: web}}, spec: {serviceAccountName: sa}}}
`, []found{{Path: "spec.template", Label: "web", ServiceAccount: "sa"}}},
		"a KEDA ScaledJob": {`
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {name: x}
spec: {jobTargetRef: {template: {metadata: {labels: {aadpodidbinding: web}}, spec: {}}}}
`, []found{{Path: "spec.jobTargetRef.template", Label: "web"}}},
		"an Argo Workflow, for all pods and for some": {`
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: x-}
spec:
  serviceAccountName: sa
  podMetadata: {labels: {aadpodidbinding: web}}
  templates:
  - {name: a, container: {image: i}}
  - {name: b, metadata: {labels: {aadpodidbinding: other}}, serviceAccountName: sb, script: {image: i}}
`, []found{{Path: "spec.podMetadata", Label: "web", ServiceAccount: "sa"}, {Path: "spec.templates[1]", Label: "other", ServiceAccount: "sb"}}},
		"an Argo CronWorkflow": {`
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {name: x}
spec: {suspend: true, workflowSpec: {podMetadata: {labels: {aadpodidbinding: web}}}}
`, []found{{Path: "spec.workflowSpec.podMetadata", Label: "web", Suspended: true}}},
		"a Tekton TaskRun": {`
apiVersion: tekton.dev/v1
kind: TaskRun
metadata: {name: x, labels: {aadpodidbinding: web}}
spec: {serviceAccountName: sa, podTemplate: {hostNetwork: true}}
`, []found{{Path: "spec.podTemplate", Label: "web", ServiceAccount: "sa"}}},
		"a Tekton PipelineRun": {`
apiVersion: tekton.dev/v1
kind: PipelineRun
metadata: {name: x, labels: {azure.workload.identity/use: "true"}}
spec: {taskRunTemplate: {serviceAccountName: sa}}
`, []found{{Path: "spec.taskRunTemplate.podTemplate", Use: "true", ServiceAccount: "sa"}}},
		"a SparkApplication": {`
apiVersion: sparkoperator.k8s.io/v1beta2
kind: SparkApplication
metadata: {name: x}
spec: {driver: {labels: {aadpodidbinding: web}, serviceAccount: sa}, executor: {labels: {aadpodidbinding: web}}}
`, []found{{Path: "spec.driver", Label: "web", ServiceAccount: "sa"}, {Path: "spec.executor", Label: "web"}}},
		"a FlinkDeployment": {`
apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata: {name: x}
spec: {serviceAccount: flink, podTemplate: {metadata: {labels: {aadpodidbinding: web}}}, taskManager: {podTemplate: {metadata: {labels: {aadpodidbinding: other}}}}}
`, []found{{Path: "spec.jobManager.podTemplate", Label: "web", ServiceAccount: "flink"}, {Path: "spec.taskManager.podTemplate", Label: "other", ServiceAccount: "flink"}}},
		"a kind that no rule knows": {`
apiVersion: example.com/v1
kind: Crew
metadata: {name: x}
spec: {groups: [{name: a, template: {metadata: {labels: {aadpodidbinding: web}}, spec: {serviceAccountName: sa, containers: [{name: c}]}}}]}
`, []found{{Path: "spec.groups[0].template", Label: "web", ServiceAccount: "sa", Heuristic: true}}},
		"what only looks like one": {`
apiVersion: example.com/v1
kind: Crew
metadata: {name: x}
spec: {template: {metadata: {labels: {aadpodidbinding: web}}, spec: {containers: many}}}
`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			snap, err := catalog.Files("one", fstest.MapFS{"x.yaml": {Data: []byte(tt.text)}}, nil).Read(t.Context())
			if err != nil || len(snap.Malformed) > 0 {
				t.Fatalf("error %v, malformed %+v", err, snap.Malformed)
			}
			var got []found
			for _, w := range snap.Workloads {
				f := found{Path: w.TemplatePath, Label: w.Template.Labels["aadpodidbinding"], Use: w.Template.Labels["azure.workload.identity/use"],
					ServiceAccount: w.Template.ServiceAccount, Heuristic: w.Heuristic, Suspended: w.Suspended}
				if w.Ref != nil {
					f.Ref = w.Ref.Kind + "/" + w.Ref.Name
				}
				got = append(got, f)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("workloads (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheToolThatOwnsAnObjectIsNamed(t *testing.T) {
	for name, tt := range map[string]struct{ metadata, want string }{
		"Argo CD by its annotation":       {`{name: x, annotations: {argocd.argoproj.io/tracking-id: "shop:apps/Deployment:default/x"}}`, "argocd:shop"},
		"Argo CD by its label":            {`{name: x, labels: {argocd.argoproj.io/instance: shop}}`, "argocd:shop"},
		"Flux, a Kustomization":           {`{name: x, labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: flux-system}}`, "flux:flux-system/apps"},
		"Flux, a HelmRelease":             {`{name: x, labels: {helm.toolkit.fluxcd.io/name: web, helm.toolkit.fluxcd.io/namespace: shop}, annotations: {meta.helm.sh/release-name: web}}`, "flux:shop/web"},
		"Helm by its annotation":          {`{name: x, annotations: {meta.helm.sh/release-name: web}}`, "helm:web"},
		"Helm by its labels":              {`{name: x, labels: {app.kubernetes.io/managed-by: Helm, app.kubernetes.io/instance: web}}`, "helm:web"},
		"an instance label says nothing":  {`{name: x, labels: {app.kubernetes.io/instance: web}}`, ""},
		"kubectl apply is no owner":       {`{name: x, annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}}`, ""},
		"a tracking ID that is none":      {`{name: x, annotations: {argocd.argoproj.io/tracking-id: shop}}`, ""},
		"nobody":                          {`{name: x}`, ""},
		"an owner that controls is other": {`{name: x, ownerReferences: [{apiVersion: v1, kind: A, name: a}, {apiVersion: v1, kind: B, name: b, controller: true}]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			snap, err := catalog.Files("one", fstest.MapFS{"x.yaml": {Data: []byte("apiVersion: v1\nkind: ServiceAccount\nmetadata: " + tt.metadata + "\n")}}, nil).Read(t.Context())
			if err != nil || len(snap.ServiceAccounts) != 1 {
				t.Fatalf("error %v, snapshot %+v", err, snap)
			}
			if got := snap.ServiceAccounts[0]; got.Manager != tt.want || got.Owner != nil && got.Owner.Kind != "B" {
				t.Errorf("manager %q, owner %+v, want %q", got.Manager, got.Owner, tt.want)
			}
		})
	}
}

func TestWhatBearsOnNoIdentityIsNotKept(t *testing.T) {
	text := `
apiVersion: apps/v1
kind: Deployment
metadata: {name: plain, namespace: shop}
spec: {template: {metadata: {labels: {app: plain}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: excepted, namespace: shop}
spec: {template: {metadata: {labels: {app: Agent}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: annotated, namespace: shop}
spec: {template: {spec: {serviceAccountName: annotated}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: mounts, namespace: shop}
spec: {template: {spec: {volumes: [{name: v, csi: {driver: secrets-store.csi.k8s.io, volumeAttributes: {secretProviderClass: vault}}}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: borrowed, namespace: shop}
spec: {replicas: 0, template: {metadata: {labels: {app: borrowed}}}}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: borrower, namespace: shop}
spec: {workloadRef: {apiVersion: apps/v1, kind: Deployment, name: borrowed}}
---
apiVersion: v1
kind: Pod
metadata: {name: labelled-by-hand, namespace: shop, labels: {aadpodidbinding: web}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: rs, controller: true}]}
spec: {containers: []}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: rs, namespace: shop, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: owner, controller: true}]}
spec: {template: {}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: owner, namespace: shop}
spec: {template: {}}
---
apiVersion: aadpodidentity.k8s.io/v1
kind: AzurePodIdentityException
metadata: {name: agent, namespace: shop}
spec: {PodLabels: {app: agent}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: annotated, namespace: shop, annotations: {azure.workload.identity/client-id: c, other: x}}
---
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: vault, namespace: shop}
spec: {provider: azure, parameters: {usePodIdentity: "true"}}
`
	snap, err := catalog.Files("one", fstest.MapFS{"x.yaml": {Data: []byte(text)}}, nil).Read(t.Context())
	if err != nil || len(snap.Malformed) > 0 {
		t.Fatalf("error %v, malformed %+v", err, snap.Malformed)
	}
	var got []string
	for _, w := range snap.Workloads {
		got = append(got, w.Kind+"/"+w.Name)
	}
	want := []string{"Deployment/annotated", "Deployment/borrowed", "Deployment/excepted", "Deployment/mounts", "Deployment/owner", "Pod/labelled-by-hand", "ReplicaSet/rs", "Rollout/borrower"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("workloads (-want +got):\n%s", diff)
	}
}
