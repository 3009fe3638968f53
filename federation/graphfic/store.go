package graphfic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/internal/refusal"
)

// maxPages ends a listing whose next links lead nowhere: an application holds at most 20 credentials.
const maxPages = 100

// Store reads and writes the federated credentials of app registrations. It is safe for concurrent use.
type Store struct {
	pipeline runtime.Pipeline
	root     string // endpoint and version
	host     string
}

var _ federation.Store = (*Store)(nil)

// NewStore returns a store that acts as cred. Options may be nil: the public cloud. Unlike elsewhere in the SDK, Retry.MaxRetries 0
// means no retries; a positive number is kept, but 409 is never retried here.
func NewStore(cred azcore.TokenCredential, opts *azcore.ClientOptions) (*Store, error) {
	if cred == nil {
		return nil, errors.New("graphfic: a credential is required")
	}
	var o policy.ClientOptions
	if opts != nil {
		o = *opts
	}
	if o.Retry.MaxRetries == 0 {
		o.Retry.MaxRetries = -1
	}
	o.Retry.StatusCodes = slices.DeleteFunc(slices.Clone(o.Retry.StatusCodes), func(code int) bool { return code == http.StatusConflict })
	endpoint, scope, err := endpointOf(o.Cloud)
	if err != nil {
		return nil, err
	}
	at, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("graphfic: %w", err)
	}
	bearer := runtime.NewBearerTokenPolicy(cred, []string{scope}, nil)
	return &Store{
		pipeline: runtime.NewPipeline("wimigrate/graphfic", "v1.0", runtime.PipelineOptions{PerRetry: []policy.Policy{bearer}}, &o),
		root:     endpoint + "/v1.0",
		host:     at.Host,
	}, nil
}

// List returns the credentials of the application. A flexible credential, which has an expression in place of a subject, comes back
// with Subject "".
func (s *Store) List(ctx context.Context, id catalog.Identity) ([]federation.Credential, error) {
	call := refusal.Call{Package: "graphfic", Op: federation.OpList, Identity: id.ID()}
	next, err := s.collection(id)
	if err != nil {
		return nil, call.Local(err)
	}
	found := []federation.Credential{}
	for page := 0; next != ""; page++ {
		if page == maxPages {
			return nil, call.Local(fmt.Errorf("the listing goes on after %d pages", maxPages))
		}
		var answer list
		if err := s.get(ctx, next, &answer); err != nil {
			return nil, call.Error(err)
		}
		for _, c := range answer.Value {
			found = append(found, c.credential())
		}
		if next, err = s.follow(answer.NextLink); err != nil {
			return nil, call.Local(err)
		}
	}
	return found, nil
}

// Put creates the credential or updates the one of that name, in one request.
// https://learn.microsoft.com/graph/api/federatedidentitycredential-upsert
func (s *Store) Put(ctx context.Context, id catalog.Identity, c federation.Credential) error {
	call := refusal.Call{Package: "graphfic", Op: federation.OpPut, Identity: id.ID(), Credential: c.Name}
	at, err := s.collection(id)
	if err = cmp.Or(err, refusal.CheckName(c.Name)); err != nil {
		return call.Local(err)
	}
	req, err := runtime.NewRequest(ctx, http.MethodPatch, at+"(name="+quote(c.Name)+")")
	if err != nil {
		return call.Local(err)
	}
	req.Raw().Header.Set("Prefer", "create-if-missing")
	if err := runtime.MarshalAsJSON(req, body{Issuer: c.Issuer, Subject: c.Subject, Audiences: []string{c.Audience}}); err != nil {
		return call.Local(err)
	}
	_, err = s.do(req, http.StatusOK, http.StatusCreated, http.StatusNoContent)
	return call.Error(err)
}

// Delete removes the credential of that name; an absent one is success, and so is one of an application that does not exist.
// https://learn.microsoft.com/graph/api/federatedidentitycredential-delete
func (s *Store) Delete(ctx context.Context, id catalog.Identity, name string) error {
	call := refusal.Call{Package: "graphfic", Op: federation.OpDelete, Identity: id.ID(), Credential: name}
	at, err := s.collection(id)
	if err = cmp.Or(err, refusal.CheckName(name)); err != nil {
		return call.Local(err)
	}
	req, err := runtime.NewRequest(ctx, http.MethodDelete, at+"/"+url.PathEscape(name))
	if err != nil {
		return call.Local(err)
	}
	_, err = s.do(req, http.StatusOK, http.StatusNoContent, http.StatusNotFound)
	return call.Error(err)
}

// collection returns the URL of an application's credentials.
func (s *Store) collection(id catalog.Identity) (string, error) {
	if id.Kind != catalog.Application {
		return "", errors.New("a managed identity is not Graph's: use the store of package armfic")
	}
	if id.ClientID == "" {
		return "", errors.New("the client ID of the application is not known")
	}
	return s.root + "/applications(appId=" + quote(id.ClientID) + ")/federatedIdentityCredentials", nil
}

// quote returns an OData string literal for use in a path: quotes doubled, then escaped.
func quote(s string) string { return "'" + url.PathEscape(strings.ReplaceAll(s, "'", "''")) + "'" }

// follow checks where a next link leads: the token goes with the request.
func (s *Store) follow(link string) (string, error) {
	if link == "" {
		return "", nil
	}
	u, err := url.Parse(link)
	if err != nil {
		return "", fmt.Errorf("next link: %w", err)
	}
	if u.Scheme != "https" || u.Host != s.host {
		return "", fmt.Errorf("next link leads to %s://%s, not to %s", u.Scheme, u.Host, s.host)
	}
	return link, nil
}
