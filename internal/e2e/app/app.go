// Package app writes the manifests of applications that use an identity, for test fleets.
package app

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// App is one application: its namespace, service account, Pod Identity objects and a Deployment whose pods take tokens.
type App struct {
	Namespace, Name string
	// Identity is what the application is to become.
	Identity catalog.Identity
	Replicas int
	// OnPodIdentity gives it a binding and the pod label; OnWorkloadIdentity the annotation and the label of the new world.
	OnPodIdentity, OnWorkloadIdentity bool
	// Credential is workload.Wimigrate, workload.Azidentity or workload.ManagedIdentity; empty is the first.
	Credential string
	// Scopes to take tokens for, each Period; empty is one scope, 0 is 1 s.
	Scopes []string
	Period time.Duration
	// Proxy asks the webhook for the migration sidecar, which needs OnWorkloadIdentity.
	Proxy bool
	// InitContainer takes a token before the application starts.
	InitContainer bool
	// MaxReplicas, when set, adds a HorizontalPodAutoscaler whose lower bound is Replicas.
	MaxReplicas int
}

// YAML is the application's manifests, as a stream of documents.
func (a App) YAML() string {
	docs := []string{a.namespace(), a.account(), a.deployment()}
	if a.OnPodIdentity {
		docs = slices.Insert(docs, 2, a.binding())
	}
	if a.MaxReplicas > 0 {
		docs = append(docs, a.autoscaler())
	}
	return strings.Join(docs, "---\n")
}

func (a App) namespace() string {
	return fmt.Sprintf("{apiVersion: v1, kind: Namespace, metadata: {name: %s}}\n", a.Namespace)
}

func (a App) account() string {
	annotations := ""
	if a.OnWorkloadIdentity {
		annotations = fmt.Sprintf(", annotations: {%s: %s}", workloadid.ClientIDAnnotation, a.Identity.ClientID)
	}
	return fmt.Sprintf("{apiVersion: v1, kind: ServiceAccount, metadata: {name: %s, namespace: %s%s}}\n", a.Name, a.Namespace, annotations)
}

func (a App) binding() string {
	return fmt.Sprintf(`apiVersion: %[1]s
kind: AzureIdentity
metadata: {name: %[2]s, namespace: %[3]s}
spec: {type: 0, clientID: %[4]s, resourceID: %[5]s}
---
apiVersion: %[1]s
kind: AzureIdentityBinding
metadata: {name: %[2]s, namespace: %[3]s}
spec: {azureIdentity: %[2]s, selector: %[2]s}
`, podidentity.GroupVersion, a.Name, a.Namespace, a.Identity.ClientID, a.Identity.ResourceID)
}

func (a App) deployment() string {
	labels := "app: " + a.Name
	if a.OnPodIdentity {
		labels += ", " + podidentity.Label + ": " + a.Name
	}
	if a.OnWorkloadIdentity {
		labels += ", " + workloadid.UseLabel + `: "true"`
	}
	scopes := cmp.Or(strings.Join(a.Scopes, ","), "https://vault.azure.net/.default")
	container := fmt.Sprintf(`image: %s:1, env: [{name: %s, value: %s}, {name: %s, value: %q}, {name: %s, value: %s}, {name: %s, value: %q}]`,
		workload.ImagePrefix, workload.EnvCredential, cmp.Or(a.Credential, workload.Wimigrate), workload.EnvClientID, a.Identity.ClientID,
		workload.EnvPeriod, cmp.Or(a.Period, time.Second), workload.EnvScopes, scopes)
	inits := ""
	if a.InitContainer {
		inits = "      initContainers: [{name: first, " + container + "}]\n"
	}
	annotations := ""
	if a.Proxy {
		annotations = ", annotations: {" + workloadid.InjectProxyAnnotation + `: "true"}`
	}
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  replicas: %[3]d
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {%[4]s}%[7]s}
    spec:
      serviceAccountName: %[1]s
%[5]s      containers: [{name: app, %[6]s}]
`, a.Name, a.Namespace, a.Replicas, labels, inits, container, annotations)
}

func (a App) autoscaler() string {
	return fmt.Sprintf(`apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %[1]s}
  minReplicas: %[3]d
  maxReplicas: %[4]d
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
`, a.Name, a.Namespace, a.Replicas, a.MaxReplicas)
}
