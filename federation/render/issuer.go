package render

import (
	"fmt"
	"regexp"

	"github.com/wimigrate/wimigrate/federation/internal/mark"
)

// IssuerForm says how rendered files come by a cluster's issuer.
type IssuerForm string

const (
	// IssuerReference reads it from the cluster, in the way that the format has for that. The default.
	IssuerReference IssuerForm = "reference"
	// IssuerLiteral writes it down, marked. It goes stale when the cluster is rebuilt: a fallback for clusters that nothing else
	// describes.
	IssuerLiteral IssuerForm = "literal"
)

const header = mark.Rendered + " from a federation plan. Do not edit: render again."

// literalMark is the text of the comment beside a literal issuer.
func literalMark(e entry) string {
	return fmt.Sprintf("%s of cluster %s, as it was when this was rendered", mark.Literal, e.cluster.Name)
}

var clusterID = regexp.MustCompile(`(?i)^/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\.ContainerService/managedClusters/([^/]+)$`)

// clusterParts splits the resource ID of a managed cluster; ok is false where there is none.
func clusterParts(e entry) (subscription, group, name string, ok bool) {
	m := clusterID.FindStringSubmatch(e.cluster.ResourceID)
	if m == nil {
		return "", "", "", false
	}
	return m[1], m[2], m[3], true
}

var identityID = regexp.MustCompile(`(?i)^/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/([^/]+)$`)

// identityParts splits the resource ID of a user-assigned identity; ok is false where there is none.
func identityParts(e entry) (subscription, group, name string, ok bool) {
	m := identityID.FindStringSubmatch(e.identity.ResourceID)
	if m == nil {
		return "", "", "", false
	}
	return m[1], m[2], m[3], true
}

// refusal says why an entry cannot be rendered at all, or with a reference; "" where it can.
func (f IssuerForm) refusal(e entry) string {
	switch {
	case e.blocked != "":
		return "the plan blocks the identity: it " + e.blocked
	case f != IssuerLiteral && e.cred.Issuer != e.cluster.Issuer:
		return "its issuer is not the one that the cluster has, so a reference would change it"
	case !isApplication(e) && !identityID.MatchString(e.identity.ResourceID):
		return "the identity has no resource ID of a user-assigned identity"
	}
	return ""
}
