package credentialtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// MaxFederatedCredentials is how many an identity can hold:
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations.
const MaxFederatedCredentials = 20

// Directory is a [Trust] in memory. A tenant exists while an identity is in it.
// It is safe for concurrent use.
type Directory struct {
	mu         sync.Mutex
	identities map[string]Identity
}

// NewDirectory returns an empty directory.
func NewDirectory() *Directory { return &Directory{identities: map[string]Identity{}} }

// Put adds an identity or replaces the one with its client ID. Credentials are
// taken as given: a zero Written means that they have propagated long ago.
func (d *Directory) Put(id Identity) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id.Credentials = slices.Clone(id.Credentials)
	d.identities[strings.ToLower(id.ClientID)] = id
}

// Delete removes an identity. Removing an absent one is no error.
func (d *Directory) Delete(clientID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.identities, strings.ToLower(clientID))
}

// Federate creates a credential, or replaces the one of that name, as of now.
// It refuses what Azure refuses: a missing name, issuer, subject or audience, a
// pair of issuer and subject that another name has, and a 21st credential.
func (d *Directory) Federate(clientID string, c FederatedCredential) error {
	if c.Name == "" || c.Issuer == "" || c.Subject == "" || c.Audience == "" {
		return errors.New("credentialtest: a federated credential needs a name, an issuer, a subject and an audience")
	}
	return d.update(clientID, func(id *Identity, now time.Time) error {
		live := 0
		for _, have := range id.Credentials {
			if !have.Removed.IsZero() || have.Name == c.Name {
				continue
			}
			live++
			if have.Issuer == c.Issuer && have.Subject == c.Subject {
				return fmt.Errorf("credentialtest: %s: issuer and subject combination already exists as %q", clientID, have.Name)
			}
		}
		if live >= MaxFederatedCredentials {
			return fmt.Errorf("credentialtest: %s: too many federated credentials, %d are allowed", clientID, MaxFederatedCredentials)
		}
		id.remove(c.Name, now)
		c.Written, c.Removed = now, time.Time{}
		id.Credentials = append(id.Credentials, c)
		return nil
	})
}

// Unfederate deletes a credential as of now. It refuses a name that is not there.
func (d *Directory) Unfederate(clientID, name string) error {
	return d.update(clientID, func(id *Identity, now time.Time) error {
		if !id.remove(name, now) {
			return fmt.Errorf("credentialtest: %s has no federated credential %q", clientID, name)
		}
		return nil
	})
}

// Identity implements [Trust].
func (d *Directory) Identity(_ context.Context, tenantID, clientID string) (Identity, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id, ok := d.identities[strings.ToLower(clientID)]; ok && strings.EqualFold(id.TenantID, tenantID) {
		id.Credentials = slices.Clone(id.Credentials)
		return id, nil
	}
	for _, id := range d.identities {
		if strings.EqualFold(id.TenantID, tenantID) {
			return Identity{}, fmt.Errorf("%w %s in tenant %s", ErrUnknownClient, clientID, tenantID)
		}
	}
	return Identity{}, fmt.Errorf("%w %s", ErrUnknownTenant, tenantID)
}

func (d *Directory) update(clientID string, change func(*Identity, time.Time) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := strings.ToLower(clientID)
	id, ok := d.identities[key]
	if !ok {
		return fmt.Errorf("%w %s", ErrUnknownClient, clientID)
	}
	id.Credentials = slices.Clone(id.Credentials)
	if err := change(&id, time.Now()); err != nil {
		return err
	}
	d.identities[key] = id
	return nil
}

// remove marks the live credential of that name, and says whether there was one.
func (id *Identity) remove(name string, now time.Time) bool {
	for i, c := range id.Credentials {
		if c.Name == name && c.Removed.IsZero() {
			id.Credentials[i].Removed = now
			return true
		}
	}
	return false
}
