package credential

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// CheckResult is the result of one check of a Diagnosis.
type CheckResult string

const (
	// Pass means the check found what it looked for.
	Pass CheckResult = "pass"
	// Fail means it found that something is wrong.
	Fail CheckResult = "fail"
	// Unknown means it could not find out. It is not a pass.
	Unknown CheckResult = "unknown"
)

// Check is one line of a Diagnosis.
type Check struct {
	Name   string      `json:"name"`
	Result CheckResult `json:"result"`
	Detail string      `json:"detail"`
	Remedy string      `json:"remedy,omitempty"`
}

// Diagnosis is the checklist for a pod that gets no token, or the wrong one.
type Diagnosis struct {
	Path   Path    `json:"path"`
	Checks []Check `json:"checks"`
}

// OK reports whether every check passed.
func (d *Diagnosis) OK() bool {
	for _, c := range d.Checks {
		if c.Result != Pass {
			return false
		}
	}
	return len(d.Checks) > 0
}

// String is the checklist as text, one check a line, remedies below.
func (d *Diagnosis) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "path: %s\n", d.Path)
	for _, c := range d.Checks {
		fmt.Fprintf(&b, "%-7s %s: %s\n", c.Result, c.Name, c.Detail)
		if c.Remedy != "" && c.Result != Pass {
			fmt.Fprintf(&b, "        -> %s\n", c.Remedy)
		}
	}
	return b.String()
}

func (d *Diagnosis) add(name string, r CheckResult, detail, remedy string) {
	d.Checks = append(d.Checks, Check{Name: name, Result: r, Detail: detail, Remedy: remedy})
}

// Diagnose runs the whole checklist: environment, token file, its claims and times, the
// issuer's discovery document, and one request for scope (empty: Azure Resource Manager
// of the cloud), without retries and past every cache but that of a wrapped credential. It changes nothing, and holds
// no token. Checks that could not run are Unknown.
func (c *Credential) Diagnose(ctx context.Context, scope string) *Diagnosis {
	p, _ := c.route.current(time.Now())
	if scope == "" {
		scope = defaultScope(p.client, c.settings.authorityHost)
	}
	d := &Diagnosis{Path: p.path}
	ctx, cancel := context.WithTimeout(withoutValues(ctx), min(p.timeout, defaultEntraTry))
	defer cancel()
	d.checkEnvironment(c.settings)
	if p.path == WorkloadIdentity {
		d.checkTokenFile(ctx, p, c.settings, time.Now())
	}
	token, out, err := p.try(ctx, policy.TokenRequestOptions{Scopes: []string{scope}, EnableCAE: true})
	if err != nil {
		d.addFailure(c, p, out, err)
		return d
	}
	d.add("request", Pass, fmt.Sprintf("%s answered with a token for %s, valid until %s", out.source, scope, token.ExpiresOn.UTC().Format(time.RFC3339)), "")
	d.checkIdentity(c.settings, token.Token)
	d.checkClock(token.Token, time.Now())
	return d
}

func (d *Diagnosis) checkEnvironment(s settings) {
	switch {
	case s.clientID == "" && s.path == PodIdentity:
		d.add("client ID", Fail, "none: the node's own identity may answer", "set ClientID")
	case s.clientID == "":
		d.add("client ID", Unknown, "not given", "")
	case !isGUID(s.clientID):
		d.add("client ID", Fail, fmt.Sprintf("%q is not a GUID", s.clientID), "copy it from the identity, not its name or resource ID")
	default:
		d.add("client ID", Pass, s.clientID, "")
	}
	if s.path == WorkloadIdentity {
		where := "the pod exchanges its token at " + s.authorityHost
		if s.binding {
			where = "the pod exchanges its token through the cluster's identity binding"
		}
		d.add("environment", Pass, where, "")
	}
}

func (d *Diagnosis) checkTokenFile(ctx context.Context, p *provider, s settings, now time.Time) {
	claims, err := readTokenFile(s.tokenFile)
	if err != nil {
		o := fileOutcome(err)
		d.add("token file", Fail, redact(oneLine(err.Error())), decide(o).Remedy)
		return
	}
	d.add("token file", Pass, fmt.Sprintf("%s: issuer %q subject %q", s.tokenFile, claims.Issuer, claims.Subject), "")
	want := AudienceTokenExchange
	if s.binding {
		want = audienceIdentityBinding
	}
	if len(claims.Audience) == 1 && claims.Audience[0] == want {
		d.add("audience", Pass, want, "")
	} else {
		d.add("audience", Fail, fmt.Sprintf("%q, want %q", strings.Join(claims.Audience, " "), want),
			decide(outcome{source: SourceEntra, fault: FaultAnswer, codes: []int{700212}}).Remedy)
	}
	switch {
	case !claims.Expires.IsZero() && now.After(claims.Expires):
		d.add("token times", Fail, "expired at "+claims.Expires.Format(time.RFC3339), "check that the kubelet renews the token and that the clock is right")
	case now.Before(claims.NotBefore):
		d.add("token times", Fail, "not valid before "+claims.NotBefore.Format(time.RFC3339), "set the node's clock")
	default:
		d.add("token times", Pass, "valid until "+claims.Expires.Format(time.RFC3339), "")
	}
	d.checkIssuer(ctx, p.client, claims.Issuer)
}

func (d *Diagnosis) addFailure(c *Credential, p *provider, out outcome, err error) {
	row := decide(out)
	e := &TokenError{Path: p.path, ClientID: c.settings.clientID, Decision: row.Name, Codes: out.codes, Meaning: row.Meaning, Remedy: row.Remedy}
	c.explain(e, out)
	said := out.text
	if said == "" {
		said = redact(oneLine(err.Error()))
	}
	result := Fail
	if out.fault == FaultTransport || errors.Is(err, context.DeadlineExceeded) {
		result = Unknown
	}
	d.add("request", result, fmt.Sprintf("%s (%s): %s", e.Meaning, row.Name, said), e.Remedy)
}

func (d *Diagnosis) checkIdentity(s settings, token string) {
	claims, err := ReadClaims(token)
	switch {
	case err != nil:
		d.add("identity", Unknown, "the token's claims cannot be read", "")
	case s.clientID == "":
		d.add("identity", Unknown, "the token is "+claims.ClientID+"'s; no client ID is given to compare", "")
	default: // the request would have failed if it were another's
		d.add("identity", Pass, "the token is "+claims.ClientID+"'s", "")
	}
}

// checkClock compares the clock with a token that has just been issued or cached.
func (d *Diagnosis) checkClock(token string, now time.Time) {
	claims, err := ReadClaims(token)
	switch {
	case err != nil || claims.NotBefore.IsZero() || claims.Expires.IsZero():
		d.add("clock", Unknown, "the token does not say when it is valid", "")
	case now.Before(claims.NotBefore.Add(-time.Minute)) || now.After(claims.Expires):
		d.add("clock", Fail, fmt.Sprintf("%s is outside the new token's time, from %s to %s", now.UTC().Format(time.RFC3339),
			claims.NotBefore.Format(time.RFC3339), claims.Expires.Format(time.RFC3339)), "set the node's clock")
	default:
		d.add("clock", Pass, "inside the new token's time", "")
	}
}
