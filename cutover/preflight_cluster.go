package cutover

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// maxSkew is how far two clocks may be apart: tokens carry the times of the cluster's clock, and Entra judges them by its own.
const maxSkew = time.Minute

// tokenClaims are those of a service account token that preflight compares. The token itself goes no further.
type tokenClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	IssuedAt int64  `json:"iat"`
}

// mint mints a token of the unit's first service account and reads its claims, unverified: the API server has just made it.
func mint(ctx context.Context, t Target, a Account) (tokenClaims, error) {
	var c tokenClaims
	token, err := t.Cluster.Token(ctx, TokenRequest{Namespace: a.Ref.Namespace, ServiceAccount: a.Ref.Name, Audience: workloadid.Audience})
	if err != nil {
		return c, err
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errors.New("the API server's token is no JWT")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return c, errors.New("the API server's token is no JWT")
	}
	return c, json.Unmarshal(payload, &c)
}

// checkClocks compares the cluster's clock, by a minted token, and Entra's with ours (PF02).
func checkClocks(ctx context.Context, t Target, o PreflightOptions) []Evidence {
	if len(t.Unit.Accounts) == 0 {
		return []Evidence{unclear("", "the unit has no service account to mint a token of")}
	}
	var out []Evidence
	claims, err := mint(ctx, t, t.Unit.Accounts[0])
	if err != nil {
		out = append(out, unclear("", "the API server's clock is unknown: "+err.Error()))
	} else {
		out = append(out, skew("the API server's clock", time.Unix(claims.IssuedAt, 0)))
	}
	if o.EntraClock == nil {
		return append(out, unclear("", "Entra's clock is unknown: no EntraClock"))
	}
	now, err := o.EntraClock(ctx)
	if err != nil {
		return append(out, unclear("", "Entra's clock is unknown: "+err.Error()))
	}
	return append(out, skew("Entra's clock", now))
}

func skew(whose string, theirs time.Time) Evidence {
	if apart := time.Since(theirs); apart.Abs() > maxSkew {
		return failing("", fmt.Sprintf("%s is %s from ours", whose, apart.Round(time.Second)), "at most "+maxSkew.String())
	}
	return passed("", whose+" agrees with ours")
}

// checkIssuer compares the issuer of a minted token with the plan's, with every further reading, and with the federated credentials
// of the unit's identities: byte for byte, since Entra does (PF03).
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
func checkIssuer(ctx context.Context, t Target, o PreflightOptions) []Evidence {
	if len(t.Unit.Accounts) == 0 {
		return []Evidence{unclear("", "the unit has no service account to mint a token of")}
	}
	claims, err := mint(ctx, t, t.Unit.Accounts[0])
	if err != nil {
		return []Evidence{unclear("", "the issuer of tokens is unknown: "+err.Error())}
	}
	readings := map[string]string{}
	if c := t.Plan.Cluster(t.Unit.Cluster); c != nil {
		readings["the plan"] = c.Issuer
	}
	var out []Evidence
	if o.Issuers != nil {
		more, err := o.Issuers(ctx, t.Unit.Cluster)
		if err != nil {
			out = append(out, unclear("", "further readings of the issuer failed: "+err.Error()))
		}
		maps.Copy(readings, more)
	}
	for _, source := range slices.Sorted(maps.Keys(readings)) {
		if got := readings[source]; got != claims.Issuer {
			out = append(out, failing("", fmt.Sprintf("%s says issuer %s%s", source, got, nearness(got, claims.Issuer)), "the issuer of minted tokens, "+claims.Issuer))
		}
	}
	return append(out, checkTrusted(ctx, t, claims.Issuer)...)
}

// checkTrusted looks for the credential of each service account on its identity.
func checkTrusted(ctx context.Context, t Target, issuer string) []Evidence {
	if t.Trust == nil {
		return []Evidence{unclear("", "what the identities trust is unknown: the runner has no Trust")}
	}
	var out []Evidence
	for _, a := range t.Unit.Accounts {
		have, err := t.Trust.List(ctx, a.Identity)
		if err != nil {
			out = append(out, unclear(a.Ref.String(), "what its identity trusts is unknown: "+err.Error()))
			continue
		}
		out = append(out, trusted(a, issuer, have))
	}
	return out
}

func trusted(a Account, issuer string, have []federation.Credential) Evidence {
	want := federation.Credential{Issuer: issuer, Subject: workloadid.Subject(a.Ref.Namespace, a.Ref.Name), Audience: workloadid.Audience}
	near := ""
	for _, c := range have {
		c.Name = ""
		if c == want {
			return passed(a.Ref.String(), "its identity trusts the triple")
		}
		if c.Subject == want.Subject && nearness(c.Issuer, issuer) != "" {
			near = fmt.Sprintf("; one credential names issuer %s%s", c.Issuer, nearness(c.Issuer, issuer))
		}
	}
	return failing(a.Ref.String(), "no federated credential of "+a.Identity.ID()+" matches"+near,
		fmt.Sprintf("issuer %s, subject %s, audience %s", want.Issuer, want.Subject, want.Audience))
}

// nearness says in a clause how two issuers differ by what people overlook; "" where they differ by more, or not at all.
func nearness(a, b string) string {
	switch {
	case a == b:
		return ""
	case strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/"):
		return " (a trailing slash differs)"
	case strings.EqualFold(a, b):
		return " (letter case differs)"
	}
	return ""
}

// checkFresh compares the cluster and the objects with those that the plan was made for (PF16).
func checkFresh(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	var out []Evidence
	if c := t.Plan.Cluster(t.Unit.Cluster); c != nil && c.UID != "" {
		live, err := get(ctx, t.Cluster, Ref{APIVersion: "v1", Kind: "Namespace", Name: "kube-system"})
		switch {
		case err != nil || live == nil:
			out = append(out, unclear("Namespace/kube-system", fmt.Sprintf("cannot be read: %v", err)))
		case string(live.GetUID()) != c.UID:
			out = append(out, failing("Namespace/kube-system", "another UID: the cluster was rebuilt since", "plan again"))
		}
	}
	refs := []Ref{}
	for _, w := range t.Unit.Workloads {
		refs = append(refs, w.Ref)
	}
	for _, a := range t.Unit.Accounts {
		refs = append(refs, a.Ref)
	}
	for _, r := range refs {
		live, err := get(ctx, t.Cluster, r)
		switch {
		case err != nil:
			out = append(out, unclear(r.String(), "cannot be read: "+err.Error()))
		case live == nil:
			out = append(out, failing(r.String(), "it is gone", "plan again"))
		case r.UID != "" && string(live.GetUID()) != r.UID:
			out = append(out, failing(r.String(), "another UID: it was deleted and made anew", "plan again"))
		}
	}
	return out
}
