package federation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wimigrate/wimigrate/catalog"
)

// ProofTarget is one question: does this service account of this cluster become this identity?
type ProofTarget struct {
	Cluster        string `json:"cluster"`
	Namespace      string `json:"namespace"`
	ServiceAccount string `json:"serviceAccount"`
	// Triple is what the service account's tokens must carry.
	Triple
	// Identity is what has to come back. Its client ID is needed, and its tenant ID unless ProveOptions has one.
	Identity catalog.Identity `json:"identity"`
	// Written is when the credential was last written; zero is long ago.
	Written time.Time `json:"written,omitzero"`
}

// Minter gets a token of the target's service account for the target's audience, as the TokenRequest API makes them. It is called from
// several goroutines.
type Minter func(ctx context.Context, t ProofTarget) (assertion string, err error)

// Exchanger exchanges a service account's token at Entra and says what identity came back. AccessTokenClaims reads the answer.
// It is called from several goroutines.
type Exchanger func(ctx context.Context, tenantID, clientID, assertion string) (Claims, error)

// ProveOptions are the choices of Prove.
type ProveOptions struct {
	// TenantID is the tenant of identities whose own is not known: an AzureIdentity of a managed identity seldom names it.
	TenantID string
	// Settle is the time from writing to the first exchange: an earlier one can make Entra remember that there is no trust; 0 is 15 s,
	// negative is none (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations#errors).
	Settle time.Duration
	// Successes in a row that prove the trust; 0 is 3. One proves nothing: Entra has many replicas.
	Successes int
	// Every is the time between attempts; 0 is 15 s, so that three successes are spread over 30 s.
	Every time.Duration
	// Deadline ends the attempts, from the call of Prove; 0 is 10 min.
	Deadline time.Duration
	// Parallel is how many targets are tried at once; 0 is 10.
	Parallel int
}

// ProofAttempt is one token minted and exchanged.
type ProofAttempt struct {
	// At is the time since the call of Prove, in nanoseconds in JSON.
	At time.Duration `json:"at"`
	// Error is empty for a success. It never holds a token.
	Error string `json:"error,omitempty"`
}

// Proof is the answer for one target.
type Proof struct {
	ProofTarget
	Proven   bool           `json:"proven"`
	Attempts []ProofAttempt `json:"attempts"`
}

// Why a proof fails. The first two are final at once: time does not mend them.
var (
	// ErrWrongToken: the token's issuer, subject or audience is not the target's.
	ErrWrongToken = errors.New("the service account's token is not what the credential trusts")
	// ErrWrongIdentity: the exchange worked and returned another identity.
	ErrWrongIdentity = errors.New("the exchange returned another identity")
	// ErrNotProven: not enough exchanges in a row worked before the deadline.
	ErrNotProven = errors.New("not proven before the deadline")
)

// ProofError is a target that was not proven.
type ProofError struct {
	Proof Proof
	// Err is one of the errors above, or the context's, joined with the last attempt's.
	Err error
}

// Error names the service account, the identity and what went wrong.
func (e *ProofError) Error() string {
	p := &e.Proof
	return fmt.Sprintf("federation: %s/%s/%s does not become %s after %d attempts: %v",
		p.Cluster, p.Namespace, p.ServiceAccount, p.Identity.ID(), len(p.Attempts), e.Err)
}

// Unwrap returns why.
func (e *ProofError) Unwrap() error { return e.Err }

// Prove mints tokens and exchanges them until each target has become its identity several times in a row, or until the deadline. It
// serves as a gate, and by itself to ask whether a triple works from a cluster now. There is one Proof per target, in their order; the
// error joins a *ProofError for each that is not proven. What it cannot show is that every replica of Entra knows the trust.
func Prove(ctx context.Context, targets []ProofTarget, mint Minter, exchange Exchanger, opts *ProveOptions) ([]Proof, error) {
	if mint == nil || exchange == nil {
		return nil, errors.New("federation: Prove needs a Minter and an Exchanger")
	}
	pr := newProver(mint, exchange, opts)
	proofs, errs := make([]Proof, len(targets)), make([]error, len(targets))
	ctx, cancel := context.WithTimeoutCause(ctx, pr.opts.Deadline, ErrNotProven)
	defer cancel()
	var workers errgroup.Group
	workers.SetLimit(pr.opts.Parallel)
	for i, t := range targets {
		proofs[i] = Proof{ProofTarget: t, Attempts: []ProofAttempt{}}
		workers.Go(func() error {
			if err := pr.prove(ctx, &proofs[i]); err != nil {
				errs[i] = &ProofError{Proof: proofs[i], Err: err}
			}
			return nil
		})
	}
	_ = workers.Wait() // errors are kept apart
	return proofs, errors.Join(errs...)
}
