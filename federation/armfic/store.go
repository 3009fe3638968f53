package armfic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/internal/refusal"
)

// maxPages ends a listing whose next links lead nowhere: an identity holds at most 20 credentials.
const maxPages = 100

// Store reads and writes the federated credentials of user-assigned managed identities. It is safe for concurrent use.
type Store struct {
	cred azcore.TokenCredential
	opts arm.ClientOptions

	mu      sync.Mutex
	clients map[string]*armmsi.FederatedIdentityCredentialsClient // by subscription ID in lower case
}

var (
	_ federation.Store     = (*Store)(nil)
	_ federation.Directory = (*Store)(nil)
)

// NewStore returns a store that acts as cred. Options may be nil. Unlike elsewhere in the SDK, Retry.MaxRetries 0 means no retries;
// a positive number is kept, but 409 is never retried here. The store does not register the resource provider.
func NewStore(cred azcore.TokenCredential, opts *arm.ClientOptions) (*Store, error) {
	if cred == nil {
		return nil, errors.New("armfic: a credential is required")
	}
	s := &Store{cred: cred, clients: map[string]*armmsi.FederatedIdentityCredentialsClient{}}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.Retry.MaxRetries == 0 {
		s.opts.Retry.MaxRetries = -1
	}
	s.opts.Retry.StatusCodes = slices.DeleteFunc(slices.Clone(s.opts.Retry.StatusCodes), func(code int) bool { return code == http.StatusConflict })
	s.opts.DisableRPRegistration = true
	return s, nil
}

// List returns the credentials of the identity. A flexible credential, which has an expression in place of a subject, comes back
// with Subject "".
func (s *Store) List(ctx context.Context, id catalog.Identity) ([]federation.Credential, error) {
	call := refusal.Call{Package: "armfic", Op: federation.OpList, Identity: id.ID()}
	client, parent, err := s.client(id)
	if err != nil {
		return nil, call.Local(err)
	}
	found := []federation.Credential{}
	pager := client.NewListPager(parent.ResourceGroupName, parent.Name, nil)
	for page := 0; pager.More(); page++ {
		if page == maxPages {
			return nil, call.Local(fmt.Errorf("the listing goes on after %d pages", maxPages))
		}
		answer, err := pager.NextPage(ctx)
		if err != nil {
			return nil, call.Error(err)
		}
		for _, c := range answer.Value {
			if c != nil {
				found = append(found, credential(c))
			}
		}
	}
	return found, nil
}

// Put creates the credential or replaces the one of that name, in one request.
func (s *Store) Put(ctx context.Context, id catalog.Identity, c federation.Credential) error {
	call := refusal.Call{Package: "armfic", Op: federation.OpPut, Identity: id.ID(), Credential: c.Name}
	client, parent, err := s.client(id)
	if err = cmp.Or(err, refusal.CheckName(c.Name)); err != nil {
		return call.Local(err)
	}
	_, err = client.CreateOrUpdate(ctx, parent.ResourceGroupName, parent.Name, c.Name, armmsi.FederatedIdentityCredential{
		Properties: &armmsi.FederatedIdentityCredentialProperties{
			Issuer: new(c.Issuer), Subject: new(c.Subject), Audiences: []*string{new(c.Audience)},
		},
	}, nil)
	return call.Error(err)
}

// Delete removes the credential of that name; an absent one is success, and so is one of an identity that does not exist.
func (s *Store) Delete(ctx context.Context, id catalog.Identity, name string) error {
	call := refusal.Call{Package: "armfic", Op: federation.OpDelete, Identity: id.ID(), Credential: name}
	client, parent, err := s.client(id)
	if err = cmp.Or(err, refusal.CheckName(name)); err != nil {
		return call.Local(err)
	}
	_, err = client.Delete(ctx, parent.ResourceGroupName, parent.Name, name, nil)
	if answer, ok := errors.AsType[*azcore.ResponseError](err); ok && answer.StatusCode == http.StatusNotFound {
		return nil
	}
	return call.Error(err)
}

// client returns the client of the identity's subscription, and the parsed resource ID.
func (s *Store) client(id catalog.Identity) (*armmsi.FederatedIdentityCredentialsClient, *arm.ResourceID, error) {
	parent, err := parse(id)
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(parent.SubscriptionID)
	if c := s.clients[key]; c != nil {
		return c, parent, nil
	}
	c, err := armmsi.NewFederatedIdentityCredentialsClient(parent.SubscriptionID, s.cred, &s.opts)
	if err != nil {
		return nil, nil, err
	}
	s.clients[key] = c
	return c, parent, nil
}

func credential(c *armmsi.FederatedIdentityCredential) federation.Credential {
	out := federation.Credential{Name: value(c.Name)}
	if p := c.Properties; p != nil {
		out.Issuer, out.Subject = value(p.Issuer), value(p.Subject)
		if len(p.Audiences) > 0 {
			out.Audience = value(p.Audiences[0])
		}
	}
	return out
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
