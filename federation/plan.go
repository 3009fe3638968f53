package federation

import "github.com/wimigrate/wimigrate/catalog"

// Action says what a change does to a credential.
type Action string

const (
	// Keep means that the triple is trusted already.
	Keep Action = "keep"
	// Create a credential under a new name.
	Create Action = "create"
	// Replace the credential of that name in place, as after a cluster was rebuilt.
	Replace Action = "replace"
	// Delete the credential.
	Delete Action = "delete"
)

// Change is one line of a plan.
type Change struct {
	Action Action `json:"action"`
	// Identity is a resource ID, or the client ID of an application.
	Identity   string     `json:"identity"`
	Credential Credential `json:"credential"`
	// Before is what Replace and Delete find.
	Before *Credential `json:"before,omitempty"`
	// Cluster, Namespace and ServiceAccount name the need that wants the credential; empty where none does.
	Cluster        string `json:"cluster"`
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
	// Why is one sentence for the reviewer.
	Why string `json:"why,omitempty"`
}

// Plan is the trust a fleet needs, against what is there: the outcome of NewPlan. It is a plain value: sorted, and the same for
// shuffled input.
type Plan struct {
	Topology string            `json:"topology"`
	Changes  []Change          `json:"changes"`
	Findings []catalog.Finding `json:"findings"`
}
