package catalog

import "strings"

// Identity is an Azure identity as the fleet refers to it.
type Identity struct {
	Kind IdentityKind `json:"kind"`
	// Name of the AzureIdentity object, or of the Azure resource where no such object exists.
	Name string `json:"name"`
	// ResourceID is the ARM resource ID of a user-assigned identity, as written by whoever wrote it; ARM ignores its letter case.
	ResourceID string `json:"resourceID,omitempty"`
	ClientID   string `json:"clientID"`
	TenantID   string `json:"tenantID,omitempty"`
}

// IdentityKind says what an identity is in Entra.
type IdentityKind string

const (
	// UserAssigned is a user-assigned managed identity (AzureIdentity type 0).
	UserAssigned IdentityKind = "userAssigned"
	// Application is an app registration, a service principal to Pod Identity (AzureIdentity types 1 and 2).
	Application IdentityKind = "application"
)

// Key returns what makes two identities the same: the resource ID without letter case, else the client ID without letter case.
func (i Identity) Key() string {
	if i.Kind != Application && i.ResourceID != "" {
		return strings.ToLower(i.ResourceID)
	}
	return strings.ToLower(i.ClientID)
}

// ID returns the identity in the form that plans use: its resource ID, or its client ID when it is an application or has no
// resource ID. Letter case is kept.
func (i Identity) ID() string {
	if i.Kind != Application && i.ResourceID != "" {
		return i.ResourceID
	}
	return i.ClientID
}
