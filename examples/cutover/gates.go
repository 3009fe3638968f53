package main

import (
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

// gates are those of a real run: the library's, with its defaults but for what the flags shorten.
func (c config) gates(a *azureWorld) cutover.Gates {
	opts := &cutover.GateOptions{Preflight: &cutover.PreflightOptions{EntraClock: a.clock}, Prove: &federation.ProveOptions{TenantID: c.tenant}}
	if c.window > 0 {
		opts.Load = &cutover.LoadOptions{Window: c.window, LookEvery: min(c.window, 30*time.Second), Calm: min(c.window, time.Minute),
			Deadline: max(10*c.window, 5*time.Minute)}
		opts.Prove.Settle, opts.Prove.Every = min(c.window, 15*time.Second), min(c.window, 15*time.Second)
		opts.Quiet, opts.Calm = min(c.window, time.Minute), min(c.window, time.Minute)
	}
	return cutover.DefaultGates(opts)
}

// planOptions are the library's, but for what the flags say.
func (c config) planOptions() *cutover.PlanOptions {
	return &cutover.PlanOptions{Soak: c.soak, Limits: cutover.Limits{Bake: c.bake, InducePods: c.induce}}
}
