package issuer

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/client-go/kubernetes"

	"github.com/wimigrate/wimigrate/federation/internal/jwt"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// wellKnown is where OpenID Connect Discovery 1.0 puts the document, below the issuer.
const wellKnown = "/.well-known/openid-configuration"

// FromDiscovery is a reader for the discovery document of the API server. It takes the ClusterRole
// system:service-account-issuer-discovery, which authenticated service accounts have by default
// (https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery).
func FromDiscovery(kube kubernetes.Interface) Reader {
	return Reader{Origin: Discovery, Read: func(ctx context.Context) (string, error) {
		body, err := kube.Discovery().RESTClient().Get().AbsPath(wellKnown).Stream(ctx)
		if err != nil {
			return "", err
		}
		defer body.Close() //nolint:errcheck // read only
		raw, err := readBounded(body, DefaultMaxBody)
		if err != nil {
			return "", err
		}
		doc, err := parseDocument(raw)
		if err != nil {
			return "", err
		}
		if doc.Issuer == "" {
			return "", ErrNone
		}
		return doc.Issuer, nil
	}}
}

// TokenOptions are the choices of [FromToken].
type TokenOptions struct {
	// Audience of the token. Empty: api://AzureADTokenExchange, as the workload identity webhook asks for.
	Audience string
}

// tokenSeconds is the shortest life that the API server grants
// (https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/).
const tokenSeconds = 600

// FromToken is a reader that lets the cluster mint a token for a service account (create on serviceaccounts/token) and reads its iss
// claim. It also checks that the subject and the audience are those that Entra will be asked to trust. The token lives ten minutes,
// is not kept, and appears in no error. Options may be nil.
func FromToken(kube kubernetes.Interface, namespace, serviceAccount string, opts *TokenOptions) Reader {
	audience := workloadid.Audience
	if opts != nil && opts.Audience != "" {
		audience = opts.Audience
	}
	return Reader{Origin: Token, Read: func(ctx context.Context) (string, error) {
		token, err := mint(ctx, kube, namespace, serviceAccount, audience)
		if err != nil {
			return "", err
		}
		var c claims
		if err := jwt.Claims(token, &c); err != nil { // it came from the API server itself
			return "", fmt.Errorf("token of service account %s/%s: %w", namespace, serviceAccount, err)
		}
		return c.check(workloadid.Subject(namespace, serviceAccount), audience)
	}}
}

// claims are those of a service-account token that Entra compares.
type claims struct {
	Issuer   string       `json:"iss"`
	Subject  string       `json:"sub"`
	Audience jwt.Audience `json:"aud"`
}

func (c claims) check(subject, wanted string) (string, error) {
	switch {
	case c.Issuer == "":
		return "", ErrNone
	case c.Subject != subject:
		return "", fmt.Errorf("the token's subject is %q, not %q", c.Subject, subject)
	case !slices.Contains(c.Audience, wanted):
		return "", fmt.Errorf("the token's audience is %q, not %q", c.Audience, wanted)
	}
	return c.Issuer, nil
}
