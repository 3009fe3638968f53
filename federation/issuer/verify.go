package issuer

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
)

// Defaults of [Options].
const (
	// DefaultMaxBody bounds what is read of a discovery document or key set: 1 MiB.
	DefaultMaxBody = 1 << 20
	// DefaultTimeout bounds one request.
	DefaultTimeout = 10 * time.Second
	// DefaultConcurrency is how many clusters a survey reads at a time.
	DefaultConcurrency = 8
)

// Options of [Verify] and [Survey]. The zero value is ready to use.
type Options struct {
	// Client fetches discovery documents and keys. Nil: a client with the default transport. Redirects to anything but https are
	// refused whatever the client.
	Client *http.Client
	// MaxBody in bytes. Zero: [DefaultMaxBody].
	MaxBody int64
	// Timeout of each request. Zero: [DefaultTimeout]; negative: none but the context's.
	Timeout time.Duration
	// Concurrency of a survey. Zero: [DefaultConcurrency].
	Concurrency int
	// SkipVerify leaves out fetching the issuers of a survey, where this machine has no way to the Internet.
	SkipVerify bool
}

func (o *Options) withDefaults() Options {
	var out Options
	if o != nil {
		out = *o
	}
	if out.MaxBody <= 0 {
		out.MaxBody = DefaultMaxBody
	}
	if out.Timeout == 0 {
		out.Timeout = DefaultTimeout
	}
	if out.Concurrency <= 0 {
		out.Concurrency = DefaultConcurrency
	}
	return out
}

// ProblemKind says what is wrong with an issuer.
type ProblemKind string

const (
	// NotAnIssuer says that it is not an https URL, is longer than 600 characters, or holds white space, user information, a query or a
	// fragment.
	NotAnIssuer ProblemKind = "not-an-issuer"
	// Private says that the host is one that Entra cannot reach.
	Private ProblemKind = "private"
	// NotFetched says that the discovery document or the keys could not be fetched from here.
	NotFetched ProblemKind = "not-fetched"
	// BadDocument says that the discovery document is not one.
	BadDocument ProblemKind = "bad-document"
	// IssuerDiffers says that the document names another issuer, be it by one byte.
	IssuerDiffers ProblemKind = "issuer-differs"
	// BadKeys says that the keys are none, malformed, or none is for RS256, the one algorithm that Entra takes.
	BadKeys ProblemKind = "bad-keys"
)

// Problem is one thing that is wrong with an issuer.
type Problem struct {
	Kind   ProblemKind `json:"kind"`
	Detail string      `json:"detail"`
}

// Verification is what [Verify] saw.
type Verification struct {
	Issuer string `json:"issuer"`
	// Keys are the keys that Entra can use, by key ID.
	Keys []Key `json:"keys"`
	// Problems in the order in which they were met; none means that Entra can use the issuer, if it reaches what was reached from here.
	Problems []Problem `json:"problems"`
}

// OK says that nothing is wrong.
func (v *Verification) OK() bool { return len(v.Problems) == 0 }

// Has says whether a problem of that kind was met.
func (v *Verification) Has(kind ProblemKind) bool {
	return slices.ContainsFunc(v.Problems, func(p Problem) bool { return p.Kind == kind })
}

func (v *Verification) add(kind ProblemKind, format string, args ...any) {
	v.Problems = append(v.Problems, Problem{Kind: kind, Detail: fmt.Sprintf(format, args...)})
}

// Findings returns the problems as findings about a cluster: what could not be fetched is a warning, for Entra may reach what this
// machine does not; what is plainly wrong is an error.
func (v *Verification) Findings(cluster string) []catalog.Finding {
	var out []catalog.Finding
	for _, p := range v.Problems {
		code, severity, remedy := Unusable, catalog.Error, "publish the discovery document and RS256 keys under exactly this issuer; on AKS run az aks update to reconcile"
		if p.Kind == NotFetched || p.Kind == Private {
			code, severity, remedy = Unreachable, catalog.Warning, "check that Entra can fetch it over the public Internet; an exchange proof settles it"
		}
		out = append(out, finding(cluster, code, severity, fmt.Sprintf("issuer %q: %s", v.Issuer, p.Detail), remedy))
	}
	return out
}

// Verify does with an issuer what Entra does: fetch its discovery document, compare the issuer in it byte for byte, and fetch its
// keys. What is wrong is a problem of the verification, never an error: the error is not nil only when ctx ends. The verification is
// never nil.
func Verify(ctx context.Context, issuer string, opts *Options) (*Verification, error) {
	o := opts.withDefaults()
	v := &Verification{Issuer: issuer}
	if !v.checkURL() {
		return v, nil
	}
	f := newFetcher(o)
	doc, ok := v.fetchDocument(ctx, f)
	if ok {
		v.fetchKeys(ctx, f, doc)
	}
	if ctx.Err() != nil {
		return v, fmt.Errorf("issuer: verify %s: %w", issuer, context.Cause(ctx))
	}
	return v, nil
}

func (v *Verification) fetchDocument(ctx context.Context, f fetcher) (document, bool) {
	at := strings.TrimSuffix(v.Issuer, "/") + wellKnown
	raw, err := f.get(ctx, at)
	if err != nil {
		v.add(NotFetched, "%v", err)
		return document{}, false
	}
	doc, err := parseDocument(raw)
	if err != nil {
		v.add(BadDocument, "%s: %v", at, err)
		return document{}, false
	}
	if doc.Issuer != v.Issuer {
		v.add(IssuerDiffers, "%s names issuer %q: %s", at, doc.Issuer, difference(v.Issuer, doc.Issuer))
	}
	if len(doc.Algorithms) > 0 && !slices.Contains(doc.Algorithms, rs256) {
		v.add(BadKeys, "%s: tokens are signed with %q, Entra takes %s alone", at, doc.Algorithms, rs256)
	}
	return doc, true
}

func (v *Verification) fetchKeys(ctx context.Context, f fetcher, doc document) {
	if !strings.HasPrefix(doc.JWKSURI, "https://") {
		v.add(BadDocument, "jwks_uri %q is not an https URL", doc.JWKSURI)
		return
	}
	raw, err := f.get(ctx, doc.JWKSURI)
	if err != nil {
		v.add(NotFetched, "%v", err)
		return
	}
	keys, unusable, err := parseKeys(raw)
	v.Keys = keys
	for _, reason := range unusable {
		v.add(BadKeys, "%s: %s", doc.JWKSURI, reason)
	}
	switch {
	case err != nil:
		v.add(BadKeys, "%s: %v", doc.JWKSURI, err)
	case len(keys) == 0:
		v.add(BadKeys, "%s holds no key for %s", doc.JWKSURI, rs256)
	}
}
