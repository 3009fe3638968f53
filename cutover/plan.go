package cutover

import (
	"time"

	"github.com/wimigrate/wimigrate/catalog"
)

// Schema is the version of the plan file and of journal records. A newer one is refused.
const Schema = 1

// Plan is the cutover of a fleet: the outcome of [NewPlan]. It is a plain value: sorted, the same for shuffled input, JSON both ways.
// A plan is single-use: the journal refuses to run it over the leavings of another, or again for a unit that it has rolled back.
type Plan struct {
	Schema int `json:"schema"`
	// Lineage names the fleet and the input that the plan was made for; even an empty fleet has one.
	Lineage string `json:"lineage"`
	// CatalogDigest and FederationDigest say what the plan was made from.
	CatalogDigest    string        `json:"catalogDigest"`
	FederationDigest string        `json:"federationDigest"`
	Clusters         []PlanCluster `json:"clusters"`
	Units            []Unit        `json:"units"`
	Blocked          []Blocked     `json:"blocked"`
	Waves            []Wave        `json:"waves"`
	Limits           Limits        `json:"limits"`
	// Digest covers everything above.
	Digest string `json:"digest"`
}

// PlanCluster pins a cluster: its name can be reused, its kube-system UID and issuer cannot.
type PlanCluster struct {
	Name   string                  `json:"name"`
	Region string                  `json:"region"`
	Issuer string                  `json:"issuer"`
	UID    string                  `json:"uid,omitempty"`
	Mode   catalog.PodIdentityMode `json:"podIdentityMode"`
	// ResourceID is the ARM resource ID of the managed cluster, where the catalog knows it.
	ResourceID string `json:"resourceID,omitempty"`
}

// Unit is what must move together: a connected component of service accounts, workloads, label values, bindings and identities in one
// namespace of one cluster.
type Unit struct {
	// ID is cluster/namespace/first service account; unique in the plan.
	ID        string `json:"id"`
	Cluster   string `json:"cluster"`
	Region    string `json:"region"`
	Namespace string `json:"namespace"`
	// Twin is namespace and service accounts, the same wherever the unit is the same. Units of different clusters are twins as soon as they
	// share one of these service accounts: no wave moves them in two regions.
	Twin string `json:"twin"`
	Mode Mode   `json:"mode"`
	// Strategy is the one declared for the unit; the zero value is two rollouts.
	Strategy   Strategy   `json:"strategy,omitzero"`
	Accounts   []Account  `json:"serviceAccounts"`
	Workloads  []Workload `json:"workloads"`
	Bindings   []Ref      `json:"bindings"`
	Identities []Ref      `json:"identities"`
	Steps      []Step     `json:"steps"`
	// Requires are the preflight checks (PF01 to PF17) that apply.
	Requires []string `json:"requires"`
	// Risks are what the reviewer should know: one replica, no canary possible, never runs.
	Risks []string `json:"risks,omitempty"`
	// Soak is how long the unit must be watched.
	Soak time.Duration `json:"soak"`
}

// Account is a service account and the identity that it becomes.
type Account struct {
	Ref      Ref              `json:"object"`
	Identity catalog.Identity `json:"identity"`
	// Source is where a file has its manifest, as for a [Workload].
	Source string `json:"-"`
}

// Workload is an object with a pod template.
type Workload struct {
	Ref
	ServiceAccount string `json:"serviceAccount"`
	// Selector is the value of the old label, which the removal tests for; empty when the template has none.
	Selector string `json:"selector"`
	// Template is the path of the pod template in the object; nil when unknown.
	Template []string `json:"template,omitempty"`
	// Manual means: no rule knows the kind, and Template is where a snapshot found what looks like a pod template. It is read, and a person
	// changes it.
	Manual bool `json:"manual,omitempty"`
	// Owner is the GitOps tool behind the object ("argocd:APP", "flux:NAMESPACE/NAME", "helm:RELEASE"); empty for none known.
	Owner string `json:"owner,omitempty"`
	// Source is where the files that the catalog has read have its manifest ("path#document"); empty for none known. It is a hint for
	// publications and no part of the plan: a saved plan has none, and the plan of a live cluster is that of its dump.
	Source string `json:"-"`
	// Probe approves that pods of the workload are started for the sake of a gate, where none run: see [PlanOptions.ProbeIdle].
	Probe bool `json:"probe,omitempty"`
	// Borrower is the Argo Rollout that runs this object's template (spec.workloadRef); its rollout is the one to watch.
	Borrower *Ref `json:"borrower,omitempty"`
	// Attested is what its owner says about how it takes its tokens ([PlanOptions.Attest]); empty for nothing.
	Attested Attestation `json:"attested,omitempty"`
}

// Mode says how the changes of a unit reach the cluster.
type Mode string

const (
	// Direct means: by writes to the API server.
	Direct Mode = "direct"
	// GitOps means: additions live and published, the removal of the old label published and awaited. The default where an owner is known.
	GitOps Mode = "gitops"
	// GitOnly means: everything on workloads and service accounts published and awaited; for tools that replace whole objects.
	GitOnly Mode = "gitOnly"
	// Suspend means: the GitOps tool is suspended for the unit and always resumed, by the last of the units that share it; changes are live
	// and published. Before anything is deleted the resumed tool must have reconciled and left them in place. Opt-in.
	Suspend Mode = "suspend"
)

// Wave is a set of units that may run at the same time; the next wave starts when all are Done.
type Wave struct {
	Name  string   `json:"name"`
	Units []string `json:"units"`
}

// Blocked is a unit that the plan leaves out, and why.
type Blocked struct {
	Cluster   string   `json:"cluster"`
	Namespace string   `json:"namespace"`
	Accounts  []string `json:"serviceAccounts"`
	Reasons   []Reason `json:"reasons"`
}

// Reason is one reason why a unit is blocked.
type Reason struct {
	// Code is a catalog finding code, or one of this package's: trust-pending, trust-missing, incomplete-coverage, no-client-id,
	// no-issuer; and where a strategy was declared strategy-conflict, single-rollout-refused, attestation-unknown, sidecar-refused.
	Code    catalog.Code `json:"code"`
	Object  string       `json:"object,omitempty"`
	Message string       `json:"message"`
	Remedy  string       `json:"remedy"`
}

// Codes of reasons that are not findings of the catalog.
const (
	TrustPending       catalog.Code = "trust-pending"
	TrustMissing       catalog.Code = "trust-missing"
	IncompleteCoverage catalog.Code = "incomplete-coverage"
	NoClientID         catalog.Code = "no-client-id"
	NoIssuer           catalog.Code = "no-issuer"
	// StrategyConflict: the declared strategies exclude each other.
	StrategyConflict catalog.Code = "strategy-conflict"
	// SingleRolloutRefused: the unit cannot move in a single rollout that is held at canary pods.
	SingleRolloutRefused catalog.Code = "single-rollout-refused"
	// AttestationUnknown: a single rollout was declared, and nobody vouches for the application.
	AttestationUnknown catalog.Code = "attestation-unknown"
	// SidecarRefused: the pods cannot carry the migration proxy sidecar.
	SidecarRefused catalog.Code = "sidecar-refused"
)

// Limits are the caps that a run obeys. A unit counts from its first step until it has been verified under load on the new path alone, and
// while it finishes; not while it soaks, nor while it is held for something outside: that is safe for days, and must not keep the others
// from their turn. A rollback waits for nobody.
type Limits struct {
	PerCluster  int `json:"perCluster"`
	PerIdentity int `json:"perIdentity"`
	PerRegion   int `json:"perRegion"`
	Fleet       int `json:"fleet"`
	// CanaryPods is how many pods lose the old label before the rest; one where that would be all of them.
	CanaryPods int `json:"canaryPods"`
	// OrdinalStep is how many ordinals of a StatefulSet lose it at once after the canary, the highest first; 0 for all of them.
	OrdinalStep int `json:"ordinalStep"`
	// InducePods and InduceFor cap an induced scale-out; 0 pods means that none is allowed. Whatever InducePods says, no more than 50 pods of
	// a unit are induced at a time, nor more of a workload than twice its replicas, or 5 of a small one.
	InducePods int           `json:"inducePods"`
	InduceFor  time.Duration `json:"induceFor"`
	// CronSoak is the longest time between two runs of a CronJob that a soak is prolonged for: 0 for any, negative for none. A CronJob
	// that it leaves out need not run during the soak.
	CronSoak time.Duration `json:"cronSoak,omitempty"`
	// Bake is the pause between waves.
	Bake time.Duration `json:"bake"`
}

// Unit returns the unit of that ID, or nil.
func (p *Plan) Unit(id string) *Unit {
	for i := range p.Units {
		if p.Units[i].ID == id {
			return &p.Units[i]
		}
	}
	return nil
}

// Cluster returns the cluster of that name, or nil.
func (p *Plan) Cluster(name string) *PlanCluster {
	for i := range p.Clusters {
		if p.Clusters[i].Name == name {
			return &p.Clusters[i]
		}
	}
	return nil
}
