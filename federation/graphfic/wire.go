package graphfic

import (
	"context"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/wimigrate/wimigrate/federation"
)

// list is a page of credentials.
type list struct {
	Value    []item `json:"value"`
	NextLink string `json:"@odata.nextLink"`
}

// item is a credential as Graph returns it.
type item struct {
	Name      string   `json:"name"`
	Issuer    string   `json:"issuer"`
	Subject   *string  `json:"subject"`
	Audiences []string `json:"audiences"`
}

func (i item) credential() federation.Credential {
	c := federation.Credential{Name: i.Name, Issuer: i.Issuer}
	if i.Subject != nil {
		c.Subject = *i.Subject
	}
	if len(i.Audiences) > 0 {
		c.Audience = i.Audiences[0]
	}
	return c
}

// body is what an upsert sends; the name is in the URL.
type body struct {
	Issuer    string   `json:"issuer"`
	Subject   string   `json:"subject"`
	Audiences []string `json:"audiences"`
}

func (s *Store) get(ctx context.Context, at string, into any) error {
	req, err := runtime.NewRequest(ctx, http.MethodGet, at)
	if err != nil {
		return err
	}
	resp, err := s.do(req, http.StatusOK)
	if err != nil {
		return err
	}
	return runtime.UnmarshalAsJSON(resp, into)
}

// do sends the request and returns an *azcore.ResponseError for any status but those wanted.
func (s *Store) do(req *policy.Request, want ...int) (*http.Response, error) {
	req.Raw().Header.Set("Accept", "application/json")
	resp, err := s.pipeline.Do(req)
	if err != nil {
		return nil, err
	}
	if !runtime.HasStatusCode(resp, want...) {
		return nil, runtime.NewResponseError(resp)
	}
	return resp, nil
}
