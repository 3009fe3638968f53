package issuer

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/wimigrate/wimigrate/catalog"
)

// Target is a cluster and the places that know its issuer.
type Target struct {
	Cluster catalog.Cluster
	Readers []Reader
}

// Result is what a survey found about one cluster.
type Result struct {
	// Cluster is the target's, with the most trusted issuer in it; what it had where no reader answered.
	Cluster  catalog.Cluster
	Readings []Reading
	// Verification is nil where there was nothing to verify or Options.SkipVerify is set.
	Verification *Verification
	Findings     []catalog.Finding
}

// Survey reads and verifies the issuers of a fleet, several clusters at a time. Results are in the order of the targets, whatever
// failed; a source that cannot be read and an issuer that cannot be fetched are findings. The error is not nil only when ctx ends;
// the results then hold what was read before.
func Survey(ctx context.Context, targets []Target, opts *Options) ([]Result, error) {
	o := opts.withDefaults()
	results := make([]Result, len(targets))
	var group errgroup.Group
	group.SetLimit(o.Concurrency)
	for i, t := range targets {
		group.Go(func() error {
			results[i] = survey(ctx, t, &o)
			return nil
		})
	}
	_ = group.Wait() // no function of the group fails
	if ctx.Err() != nil {
		return results, fmt.Errorf("issuer: survey: %w", context.Cause(ctx))
	}
	return results, nil
}

func survey(ctx context.Context, t Target, o *Options) Result {
	r := Result{Cluster: t.Cluster}
	for _, reader := range t.Readers {
		reading := Reading{Origin: reader.Origin}
		reading.Issuer, reading.Err = reader.Read(ctx)
		r.Readings = append(r.Readings, reading)
	}
	issuer, findings := Compare(t.Cluster.Name, r.Readings)
	r.Findings = findings
	if issuer == "" {
		return r
	}
	r.Cluster.Issuer = issuer
	if o.SkipVerify {
		return r
	}
	v, err := Verify(ctx, issuer, o)
	if err != nil { // the context ended: what was seen so far says nothing about the issuer
		return r
	}
	r.Verification = v
	r.Findings = append(r.Findings, v.Findings(t.Cluster.Name)...)
	return r
}
