package cutovertest

import (
	"fmt"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// App is one workload on Pod Identity with all that it needs: service account, AzureIdentity, binding, federated credential. Zero fields
// have defaults, so App{Namespace: "shop", Name: "web"} is a Deployment of three replicas.
type App struct {
	Namespace, Name string
	// Kind: Deployment (default), StatefulSet, DaemonSet, CronJob, Job, Rollout, ScaledJob, Service (Knative's), Crew (a custom resource that no
	// rule knows), or any other, which nothing runs.
	Kind     string
	Replicas int // default 3; -1 for 0
	// ServiceAccount defaults to Name, Identity to Namespace-Name, ClientID to one made of namespace and identity. The binding is called
	// Identity-binding, and the value of the old label is Identity.
	ServiceAccount, Identity, ClientID string
	SDK                                SDK
	// HPA gives the workload an autoscaler with minReplicas = Replicas.
	HPA bool
	// Surge and Unavailable are the bounds of a rolling update, numbers or percentages; default 25%, and of a DaemonSet 0 and 1.
	Surge, Unavailable any
	// Recreate, OnDelete and Paused change how the workload rolls out.
	Recreate, OnDelete, Paused bool
	// Steps are those of a Rollout's canary, setWeight and pause, as its manifest has them.
	Steps []any
	// Borrows makes a Rollout run the template of the Deployment of that name (workloadRef).
	Borrows string
	// Schedule is a CronJob's, and how often a ScaledJob finds work for as many Jobs as it has replicas; default "*/10 * * * *". Runs is how
	// long a Job's pod runs; default 2 minutes.
	Schedule string
	Runs     time.Duration
	// Untrusted leaves out the federated credential; Issuer, if set, is written into it instead of the cluster's.
	Untrusted bool
	Issuer    string
	// Labels and Annotations are put on the workload, such as those of a GitOps tool.
	Labels, Annotations map[string]string
	// TokenEvery overrides the fleet's.
	TokenEvery time.Duration
	// CrashesOn says for which pods (old label present, injected) the application never becomes Ready.
	CrashesOn func(bound, injected bool) bool
	// StartsLater says by how much longer than others such pods take to be Ready.
	StartsLater func(bound, injected bool) time.Duration
}

func (a App) withDefaults() App {
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&a.Kind, "Deployment")
	def(&a.ServiceAccount, a.Name)
	def(&a.Identity, a.Namespace+"-"+a.Name)
	def(&a.Schedule, "*/10 * * * *")
	if a.Replicas == 0 {
		a.Replicas = 3
	}
	a.Replicas = max(a.Replicas, 0)
	def(&a.ClientID, clientIDOf(a.Namespace+"/"+a.Identity))
	return a
}

func clientIDOf(s string) string {
	h := hashOf(map[string]any{"client": s})
	return fmt.Sprintf("%s-%s-4%s-8000-%s%s", h[:8], h[2:6], h[4:7], h, h[:2])
}

func (a App) clientID() string { return a.ClientID }
func (a App) demand() int      { return a.Replicas }

// Deploy puts an application into the cluster, running on Pod Identity: its first pods come up over the next seconds.
func (c *Cluster) Deploy(a App) {
	a = a.withDefaults()
	c.begin()
	defer c.fleet.mu.Unlock()
	c.ensure("Namespace", "", a.Namespace, namespaceObject(a.Namespace))
	c.ensure("ServiceAccount", a.Namespace, a.ServiceAccount, map[string]any{
		"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": a.ServiceAccount, "namespace": a.Namespace},
	})
	c.ensure(podidentity.KindIdentity, a.Namespace, a.Identity, old(podidentity.KindIdentity, a.Namespace, a.Identity, map[string]any{
		"type": int64(podidentity.TypeUserAssigned), "resourceID": c.identityOf(a).ResourceID, "clientID": a.ClientID, "tenantID": Tenant,
	}))
	c.ensure(podidentity.KindBinding, a.Namespace, a.Identity+"-binding", old(podidentity.KindBinding, a.Namespace, a.Identity+"-binding",
		map[string]any{"azureIdentity": a.Identity, "selector": a.Identity}))
	o := c.create(workloadObject(a), "kubectl-client-side-apply")
	c.touched(o)
	if runs(a.Kind) {
		c.adopt(o, a)
	}
	if a.HPA {
		c.create(hpaObject(a), "kubectl-client-side-apply")
	}
	if !a.Untrusted {
		issuer := c.issuer
		if a.Issuer != "" {
			issuer = a.Issuer
		}
		subject := workloadid.Subject(a.Namespace, a.ServiceAccount)
		c.fleet.trust(a.ClientID, federation.Credential{
			Name: federation.CredentialName("", c.name, a.Namespace, a.ServiceAccount), Issuer: issuer, Subject: subject,
			Audience: workloadid.Audience,
		}, 0)
	}
}

// ensure creates an object unless it is there.
func (c *Cluster) ensure(kind, namespace, name string, data map[string]any) {
	if c.find(kind, namespace, name) == nil {
		c.touched(c.create(data, "kubectl-client-side-apply"))
	}
}

// identityOf is the Azure identity of an application.
func (c *Cluster) identityOf(a App) catalog.Identity {
	return catalog.Identity{
		Kind: catalog.UserAssigned, Name: a.Identity, ClientID: a.ClientID, TenantID: Tenant,
		ResourceID: "/subscriptions/22222222-2222-4222-8222-222222222222/resourceGroups/fleet/providers/" +
			"Microsoft.ManagedIdentity/userAssignedIdentities/" + a.Identity,
	}
}

func old(kind, namespace, name string, spec map[string]any) map[string]any {
	return map[string]any{
		"apiVersion": podidentity.GroupVersion, "kind": kind, "metadata": map[string]any{"name": name, "namespace": namespace}, "spec": spec,
	}
}

func hpaObject(a App) map[string]any {
	return map[string]any{
		"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": map[string]any{"name": a.Name, "namespace": a.Namespace},
		"spec": map[string]any{
			"minReplicas": int64(max(a.Replicas, 1)), "maxReplicas": int64(a.Replicas*10 + 10),
			"scaleTargetRef": map[string]any{"apiVersion": apiVersionOf(a.Kind), "kind": a.Kind, "name": a.Name},
		},
	}
}

func apiVersionOf(kind string) string {
	switch kind {
	case "Deployment", "StatefulSet", "DaemonSet":
		return "apps/v1"
	case "CronJob", "Job":
		return "batch/v1"
	case "Rollout":
		return "argoproj.io/v1alpha1"
	case "ScaledJob":
		return "keda.sh/v1alpha1"
	case "Service":
		return "serving.knative.dev/v1"
	}
	return "example.com/v1"
}
