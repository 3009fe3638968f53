package cutover

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// TrustProven returns a gate that proves that Entra honours the federated credentials of the unit's service accounts: freshly minted
// tokens are exchanged until each service account has become its identity several times in a row (federation.Prove). This is
// where minutes of propagation are waited out, with nothing at stake yet.
//
// Trust that is not proven before the deadline fails, and the evidence says how the nearest federated credential differs from the token,
// where Target.Trust can tell. Without an Exchanger the gate is inconclusive.
func TrustProven(opts *federation.ProveOptions) Gate {
	const name = "trust proven"
	return func(ctx context.Context, t Target) Verdict {
		if t.Exchanger == nil {
			return unseen(name, "V3", "the runner has no Exchanger")
		}
		mint := func(ctx context.Context, p federation.ProofTarget) (string, error) {
			return t.Cluster.Token(ctx, TokenRequest{Namespace: p.Namespace, ServiceAccount: p.ServiceAccount, Audience: p.Audience})
		}
		exchange := func(ctx context.Context, tenantID, clientID, assertion string) (federation.Claims, error) {
			c, err := t.Exchanger.Exchange(ctx, ExchangeRequest{TenantID: tenantID, ClientID: clientID, Assertion: assertion})
			return federation.Claims{ClientID: c.AppID, TenantID: c.TenantID}, err
		}
		proofs, err := federation.Prove(ctx, proofTargets(t), mint, exchange, opts)
		if ctx.Err() != nil {
			return stopped(Verdict{Gate: name}, context.Cause(ctx))
		}
		evidence := proofEvidence(proofs, err)
		if slices.ContainsFunc(evidence, func(e Evidence) bool { return e.Result == Fail }) {
			evidence = slices.Concat(whyUnproven(ctx, t), evidence)
		}
		return Judge(name, evidence...)
	}
}

// whyUnproven compares the token's triple with what the identities trust: Entra says that nothing matches, not what nearly does.
func whyUnproven(ctx context.Context, t Target) []Evidence {
	c := t.Plan.Cluster(t.Unit.Cluster)
	if c == nil || t.Trust == nil {
		return nil
	}
	why := slices.DeleteFunc(checkTrusted(ctx, t, c.Issuer), func(e Evidence) bool { return e.Result == Pass })
	for i := range why {
		why[i].Check = "V3"
	}
	return why
}

func proofTargets(t Target) []federation.ProofTarget {
	var out []federation.ProofTarget
	issuer := ""
	if c := t.Plan.Cluster(t.Unit.Cluster); c != nil {
		issuer = c.Issuer
	}
	for _, a := range t.Unit.Accounts {
		out = append(out, federation.ProofTarget{
			Cluster: t.Unit.Cluster, Namespace: a.Ref.Namespace, ServiceAccount: a.Ref.Name, Identity: a.Identity,
			Triple: federation.Triple{Issuer: issuer, Subject: workloadid.Subject(a.Ref.Namespace, a.Ref.Name), Audience: workloadid.Audience},
		})
	}
	return out
}

func proofEvidence(proofs []federation.Proof, err error) []Evidence {
	why := map[string]string{}
	collectProofErrors(err, why)
	var out []Evidence
	for _, p := range proofs {
		e := Evidence{Check: "V3", Object: "ServiceAccount/" + p.ServiceAccount, Want: "tokens of " + p.Identity.ClientID, Result: Pass,
			Got: fmt.Sprintf("became its identity after %d exchanges", len(p.Attempts))}
		if !p.Proven {
			e.Result, e.Got = Fail, why[p.Namespace+"/"+p.ServiceAccount]
		}
		out = append(out, e)
	}
	return out
}

func collectProofErrors(err error, why map[string]string) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			collectProofErrors(e, why)
		}
		return
	}
	if p, ok := errors.AsType[*federation.ProofError](err); ok {
		why[p.Proof.Namespace+"/"+p.Proof.ServiceAccount] = p.Err.Error()
	}
}
