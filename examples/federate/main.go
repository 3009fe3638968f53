// Command federate plans the trust of a fleet and, with -approve, makes it so in Azure. Without -approve it changes nothing.
//
//	federate -fleet fleet.yaml -save plan.json       plan against Azure, and keep the plan for review
//	federate -fleet fleet.yaml -plan plan.json       show the plan that was kept
//	federate -fleet fleet.yaml -plan plan.json -approve
//
// With no flags, or with -double, it works offline: a small fleet, and a tenant in memory behind the same clients.
//
// Exit status: 0 done, 1 failed, 2 wrong flags.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/wimigrate/wimigrate/federation"
)

type config struct {
	fleet, plan, save, topology string
	approve, double, prune      bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "federate:", err)
		os.Exit(1)
	}
}

// errUsage says that the arguments are wrong; how was told on stderr.
var errUsage = errors.New("wrong flags")

func run(ctx context.Context, args []string, out, stderr io.Writer) error {
	c, err := parse(args, stderr)
	if err != nil {
		return err
	}
	topology, err := federation.ParseTopology(c.topology)
	if err != nil {
		return err
	}
	w, err := read(ctx, c.fleet)
	if err != nil {
		return err
	}
	cat := w.catalog
	for _, cluster := range cat.Clusters {
		for _, gap := range cluster.Coverage.Gaps {
			fmt.Fprintf(stderr, "federate: %s: %s could not be read, so the plan may lack needs: %s\n", cluster.Name, gap.Resource, gap.Reason)
		}
	}
	store, pacing, err := open(c.double, w)
	if err != nil {
		return err
	}
	replan := func() (*federation.Plan, error) {
		have, err := federation.Observe(ctx, store, cat, &federation.ObserveOptions{Pacing: pacing, Topology: topology})
		if err != nil {
			return nil, err
		}
		return federation.NewPlan(cat, have, &federation.PlanOptions{Topology: topology, Prune: c.prune})
	}
	plan, err := load(c.plan, replan)
	if err != nil {
		return err
	}
	if err := plan.Show(out); err != nil {
		return err
	}
	if c.save != "" {
		if err := federation.SaveFile(c.save, plan); err != nil {
			return err
		}
		fmt.Fprintln(out, "\nSaved to", c.save)
	}
	if c.plan == "" && c.approve {
		if err := missing(plan); err != nil {
			return err
		}
	}
	if !c.approve {
		fmt.Fprintln(out, "\nNothing was changed. -approve makes these changes.")
		return nil
	}
	return approve(ctx, out, c, store, plan, &federation.ApplyOptions{Pacing: pacing}, replan)
}

// load reads a saved plan, or makes a fresh one.
func load(file string, fresh func() (*federation.Plan, error)) (*federation.Plan, error) {
	if file == "" {
		return fresh()
	}
	saved, err := federation.LoadFile(file)
	if err != nil {
		return nil, err
	}
	return saved.Plan, nil
}

func parse(args []string, stderr io.Writer) (config, error) {
	var c config
	f := flag.NewFlagSet("federate", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&c.fleet, "fleet", "", "`file` that lists the clusters (fleet.yaml); default: a small fleet, with -double only")
	f.StringVar(&c.plan, "plan", "", "saved plan `file` to show or apply; default: a fresh plan")
	f.StringVar(&c.save, "save", "", "`file` to save a fresh plan to")
	f.StringVar(&c.topology, "topology", federation.TopologyKeep, "which identity each workload gets: keep, per-workload or per-cluster")
	f.BoolVar(&c.prune, "prune", false, "also delete credentials of ours whose issuer or service account is certainly gone")
	f.BoolVar(&c.approve, "approve", false, "make the changes")
	f.BoolVar(&c.double, "double", len(args) == 0, "work against a tenant in memory instead of Azure")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return c, err
	} else if err != nil {
		return c, errUsage
	}
	_, err := federation.ParseTopology(c.topology)
	switch {
	case f.NArg() > 0:
		fmt.Fprintf(stderr, "federate: unexpected argument %q; see -help\n", f.Arg(0))
	case c.fleet == "" && !c.double:
		fmt.Fprintln(stderr, "federate: -fleet is required, or -double; see -help")
	case err != nil:
		fmt.Fprintln(stderr, "federate: -topology:", err)
	case c.plan != "" && c.save != "":
		fmt.Fprintln(stderr, "federate: -save keeps a fresh plan, -plan reads one: give one of them")
	default:
		return c, nil
	}
	return c, errUsage
}
