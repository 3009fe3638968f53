package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/federation"
)

// missing names the identities of a fresh plan that are yet to be made: until they are, Azure takes no credential for them.
func missing(plan *federation.Plan) error {
	var names []string
	for _, id := range plan.Identities {
		if id.Proposed {
			names = append(names, id.ID)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("%d identities do not exist yet; create them with their role assignments, then run again:\n%s", len(names), strings.Join(names, "\n"))
}

// approve applies the plan and proves it: planned again, nothing is pending.
func approve(ctx context.Context, out io.Writer, c config, store federation.Store, plan *federation.Plan, opts *federation.ApplyOptions,
	replan func() (*federation.Plan, error)) error {
	fmt.Fprintln(out)
	opts.OnEvent = func(e federation.Event) {
		switch e.Type {
		case federation.EventDone:
			fmt.Fprintf(out, "%s %s %s of %s\n", e.Result, e.Change.Action, e.Change.Credential.Name, e.Change.Identity)
		case federation.EventRetry:
			fmt.Fprintf(out, "again in %s: %s\n", e.Wait.Round(time.Second), e.Error)
		case federation.EventWriting, federation.EventWritten:
		}
	}
	var report *federation.Report
	var err error
	if c.plan != "" {
		report, err = federation.ApplyFile(ctx, store, c.plan, opts)
	} else {
		report, err = federation.Apply(ctx, store, plan, opts)
	}
	fmt.Fprintf(out, "\n%d applied, %d found done, %d refused, %d failed, %d skipped, %d unknown\n",
		report.Count(federation.Applied), report.Count(federation.Found),
		report.Count(federation.Refused), report.Count(federation.Failed), report.Count(federation.Skipped), report.Count(federation.Unknown))
	if err != nil {
		return err
	}
	again, err := replan()
	if err != nil {
		return err
	}
	pending := 0
	for range again.Pending() {
		pending++
	}
	fmt.Fprintf(out, "planned again: %d changes are pending\n", pending)
	if pending > 0 {
		return errors.New("the trust has not converged: run again")
	}
	return nil
}
