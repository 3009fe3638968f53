package federation

import (
	"context"

	"github.com/wimigrate/wimigrate/catalog"
)

// Store reads and writes the federated credentials of identities. Implementations: armfic (managed identities, through ARM) and
// graphfic (app registrations, through Microsoft Graph); federationtest has one in memory and the suite that all of them pass.
//
// A Store is safe for concurrent use. It does not serialise, pace or repeat: Apply does. What the service refuses, and a request whose
// answer never came, is a [*StoreError]; Apply takes any other error for final.
type Store interface {
	// List returns the credentials of the identity, in any order. A credential without a subject (a flexible one) has Subject "".
	List(ctx context.Context, id catalog.Identity) ([]Credential, error)
	// Put creates the credential or replaces the one of that name; the same input twice is fine.
	Put(ctx context.Context, id catalog.Identity, c Credential) error
	// Delete removes the credential of that name; an absent one is success.
	Delete(ctx context.Context, id catalog.Identity, name string) error
}
