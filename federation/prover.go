package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/internal/pause"
)

type prover struct {
	mint     Minter
	exchange Exchanger
	opts     ProveOptions
	start    time.Time
}

func newProver(mint Minter, exchange Exchanger, opts *ProveOptions) *prover {
	p := &prover{mint: mint, exchange: exchange, start: time.Now()}
	if opts != nil {
		p.opts = *opts
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&p.opts.Settle, 15*time.Second)
	def(&p.opts.Every, 15*time.Second)
	def(&p.opts.Deadline, 10*time.Minute)
	if p.opts.Successes <= 0 {
		p.opts.Successes = 3
	}
	if p.opts.Parallel <= 0 {
		p.opts.Parallel = 10
	}
	return p
}

// prove makes attempts until enough succeed in a row.
func (p *prover) prove(ctx context.Context, proof *Proof) error {
	if proof.Identity.TenantID == "" {
		proof.Identity.TenantID = p.opts.TenantID
	}
	if proof.Identity.ClientID == "" || proof.Identity.TenantID == "" {
		return errors.New("the client ID and the tenant ID of the identity are needed")
	}
	if err := pause.For(ctx, time.Until(proof.Written.Add(p.opts.Settle))); err != nil {
		return context.Cause(ctx)
	}
	var last error
	for row := 0; ; {
		err := p.attempt(ctx, &proof.ProofTarget)
		if err != nil && ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), last)
		}
		proof.Attempts = append(proof.Attempts, ProofAttempt{At: time.Since(p.start), Error: text(err)})
		if errors.Is(err, ErrWrongToken) || errors.Is(err, ErrWrongIdentity) {
			return err
		}
		if row++; err != nil {
			row, last = 0, err
		}
		if row == p.opts.Successes {
			proof.Proven = true
			return nil
		}
		if pause.For(ctx, p.opts.Every) != nil {
			return errors.Join(context.Cause(ctx), last)
		}
	}
}

// attempt mints one token and exchanges it.
func (p *prover) attempt(ctx context.Context, t *ProofTarget) error {
	assertion, err := p.mint(ctx, *t)
	if err != nil {
		return fmt.Errorf("mint a token: %w", err)
	}
	got, err := assertionTriple(assertion, t.Audience)
	if err != nil {
		return err
	}
	if got != t.Triple {
		return fmt.Errorf("%w: %s", ErrWrongToken, difference(got, t.Triple))
	}
	claims, err := p.exchange(ctx, t.Identity.TenantID, t.Identity.ClientID, assertion)
	if err != nil {
		return &discreet{err, assertion}
	}
	if !strings.EqualFold(claims.ClientID, t.Identity.ClientID) || claims.TenantID != "" && !strings.EqualFold(claims.TenantID, t.Identity.TenantID) {
		return fmt.Errorf("%w: client ID %s in tenant %s", ErrWrongIdentity, claims.ClientID, claims.TenantID)
	}
	return nil
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
