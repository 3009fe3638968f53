package federation

import (
	"iter"

	"github.com/wimigrate/wimigrate/catalog"
)

// Action says what a change does to a credential.
type Action string

const (
	// Keep means: the triple is trusted already.
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
// shuffled input. Changes are sorted by identity; those of one identity stand in the order in which Apply makes them.
type Plan struct {
	Topology string            `json:"topology"`
	Changes  []Change          `json:"changes"`
	Findings []catalog.Finding `json:"findings"`
	// Identities are the identities that the plan is about, sorted by key: those that needs use, and those whose credentials were read.
	Identities []IdentityPlan `json:"identities"`
	// Inputs is a digest of the catalog and the state that the plan was made from.
	Inputs string `json:"inputs"`
}

// IdentityPlan sums up a plan for one identity.
type IdentityPlan struct {
	// ID is how changes name the identity.
	ID       string           `json:"id"`
	Identity catalog.Identity `json:"identity"`
	// Proposed: the topology made the identity up, and no state holds it. It has to be created before Apply, with its role assignments.
	Proposed bool `json:"proposed,omitempty"`
	// Unread: what the identity trusts today was not read. The plan takes it for nothing; Apply refuses if that turns out wrong.
	Unread bool `json:"unread,omitempty"`
	// Have credentials are there today, Foreign of them wanted by nothing in the catalog; After is their number when the plan is done.
	Have    int `json:"have"`
	Foreign int `json:"foreign"`
	After   int `json:"after"`
	// Peak is the highest number on the way; above MaxCredentials the identity is blocked.
	Peak int `json:"peak"`
	// Blocked says why Apply refuses to write to the identity; empty where it does not.
	Blocked string `json:"blocked,omitempty"`
	// Split is a way to divide an identity that needs too many credentials.
	Split []Split `json:"split,omitempty"`
	// State is a digest of the credentials that the plan was made from.
	State string `json:"state"`
}

// Headroom is how many more credentials the identity can hold after the plan; negative where it is over the limit.
func (i IdentityPlan) Headroom() int { return MaxCredentials - i.After }

// Split is one of the identities that an identity over the limit could be divided into.
type Split struct {
	// Identity is a proposed name.
	Identity string `json:"identity"`
	// Credentials is how many it would hold.
	Credentials int `json:"credentials"`
	// ServiceAccounts are the NAMESPACE/NAMEs that would move to it; all clusters of a service account move together where they fit.
	ServiceAccounts []string `json:"serviceAccounts"`
}

// Pending yields the changes that are not Keep, in order. None means that trust has converged.
func (p *Plan) Pending() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for _, c := range p.Changes {
			if c.Action != Keep && !yield(c) {
				return
			}
		}
	}
}

// Converged reports that nothing is left to do: no change is pending and no identity is blocked.
func (p *Plan) Converged() bool {
	for range p.Pending() {
		return false
	}
	for _, id := range p.Identities {
		if id.Blocked != "" {
			return false
		}
	}
	return true
}

// ByIdentity yields each identity of the plan with its changes.
func (p *Plan) ByIdentity() iter.Seq2[IdentityPlan, []Change] {
	return func(yield func(IdentityPlan, []Change) bool) {
		rest := p.Changes
		for _, id := range p.Identities {
			n := 0
			for n < len(rest) && rest[n].Identity == id.ID {
				n++
			}
			if !yield(id, rest[:n:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}
