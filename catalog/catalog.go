package catalog

// Catalog is what a fleet needs and what is wrong with it: the outcome of [Reconcile]. It is a plain value: sorted, comparable
// with go-cmp, the same for shuffled input, and the same again after a trip through JSON.
type Catalog struct {
	Clusters []Cluster `json:"clusters"`
	Needs    []Need    `json:"needs"`
	Findings []Finding `json:"findings"`
}

// Need says that one service account of one cluster uses one Azure identity today, through Pod Identity, Workload Identity or both.
// Its key is (Cluster, Namespace, ServiceAccount, Identity).
type Need struct {
	Cluster   string `json:"cluster"`
	Namespace string `json:"namespace"`
	// ServiceAccount is "default" where a template names none.
	ServiceAccount string   `json:"serviceAccount"`
	Identity       Identity `json:"identity"`
	// Bindings are the names of the AzureIdentityBindings behind the need, "namespace/name" for one of another namespace.
	Bindings []string `json:"bindings"`
	// Selector is the value of the aadpodidbinding label that leads to the identity; empty when only Workload Identity is used.
	Selector string `json:"selector"`
	// Workloads are the owners whose pods carry the label; never intermediate ReplicaSets, Jobs of a CronJob or their pods.
	Workloads []WorkloadRef `json:"workloads"`
	State     State         `json:"state"`
}

// State says which path the workloads of a need use.
type State string

const (
	// StatePodIdentity means the aadpodidbinding label alone.
	StatePodIdentity State = "podIdentity"
	// StateDual means both labels, on the same or on different workloads of the need.
	StateDual State = "dual"
	// StateWorkloadIdentity means that no workload of the need carries the old label.
	StateWorkloadIdentity State = "workloadIdentity"
)

// WorkloadRef names the object that owns pods.
type WorkloadRef struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
}

// String returns Kind/name.
func (w WorkloadRef) String() string { return w.Kind + "/" + w.Name }
