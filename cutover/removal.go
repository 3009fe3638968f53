package cutover

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// Removal is the plan to remove what is left of Pod Identity from a cluster. It is a plain value, for review.
type Removal struct {
	Cluster string `json:"cluster"`
	// Deletions are made in this order: bindings, identities, exceptions; then, when MIC has dropped the last AzureAssignedIdentity, MIC
	// and NMI.
	Deletions []Leftover `json:"deletions"`
	// Manual is what a person must do elsewhere: uninstall a Helm release, switch the add-on off, change a repository, and what stays.
	Manual []string `json:"manual"`
	// Digest covers everything above. [Remove] asks for it, so that what is removed is what was reviewed.
	Digest string `json:"digest"`
}

// removalOrder is the order of the roles that are deleted.
var removalOrder = [...]LeftoverRole{RoleBinding, RoleIdentity, RoleException, RoleMIC, RoleNMI}

// Removal plans the removal. It refuses, with a *StillNeededError, while anything needs Pod Identity or was not read.
func (l *Leftovers) Removal() (*Removal, error) {
	if len(l.Users) > 0 || len(l.Unread) > 0 {
		return nil, &StillNeededError{Cluster: l.Cluster, Users: l.Users, Unread: l.Unread}
	}
	out := &Removal{Cluster: l.Cluster, Deletions: []Leftover{}, Manual: []string{}}
	for _, role := range removalOrder {
		for _, o := range l.Objects {
			switch {
			case o.Role != role:
			case o.Owner == addOnOwner:
				out.manual("switch the add-on off: az aks update --disable-pod-identity; it removes " + o.Object.String())
			case o.Owner != "":
				out.manual(fmt.Sprintf("%s in namespace %s belongs to %s: remove it there", o.Object, o.Object.Namespace, o.Owner))
			default:
				out.Deletions = append(out.Deletions, o)
			}
		}
	}
	if slices.ContainsFunc(l.Objects, func(o Leftover) bool { return o.Role == RoleNMI }) {
		out.manual("without NMI every pod reaches the real IMDS, and whatever identities its node has: " +
			"take the migrated identities off the nodes' scale sets, and block 169.254.169.254 where no pod needs it")
	}
	for _, s := range l.Sidecars {
		out.manual(fmt.Sprintf("%s in namespace %s carries the migration proxy sidecar, which is temporary: when its application uses its token itself, "+
			"take the annotation %s from its pod template", s, s.Namespace, workloadid.InjectProxyAnnotation))
	}
	for _, h := range l.History {
		out.manual(fmt.Sprintf("%s in namespace %s: %s; delete its Revision, or let Knative collect it", h.Object, h.Object.Namespace, h.Why))
	}
	for _, r := range l.RoleAssignments {
		out.manual("role assignment that only Pod Identity needed: " + r)
	}
	for _, u := range l.Unseen {
		out.manual("look yourself: " + u)
	}
	out.Digest = out.sum()
	return out, nil
}

// sum is the digest of everything but itself.
func (r *Removal) sum() string {
	bare := *r
	bare.Digest = ""
	sum := sha256.Sum256(mustJSON(bare))
	return hex.EncodeToString(sum[:])
}

func (r *Removal) manual(s string) { r.Manual = append(r.Manual, s) }

// StillNeededError says why Pod Identity stays in a cluster.
type StillNeededError struct {
	Cluster string
	Users   []User
	Unread  []string
}

// Error names the first reason, and how many there are.
func (e *StillNeededError) Error() string {
	why := ""
	switch {
	case len(e.Users) > 0:
		u := e.Users[0]
		why = fmt.Sprintf("%s in namespace %s needs it: %s", u.Object, u.Object.Namespace, u.Why)
	case len(e.Unread) > 0:
		why = "nobody knows what needs it, since this could not be read: " + e.Unread[0]
	}
	if more := len(e.Users) + len(e.Unread) - 1; more > 0 {
		why += fmt.Sprintf(" (and %d more)", more)
	}
	return "cutover: Pod Identity stays in cluster " + e.Cluster + ": " + why
}
