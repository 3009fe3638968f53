package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/federation"
)

// pace makes a second of the demonstration a minute and more of a cluster.
const pace = 0.01

// demo moves a fleet of two clusters in memory.
func demo(ctx context.Context, out io.Writer) (int, error) {
	f := simulated()
	fmt.Fprintln(out, "A simulated fleet: two regions, pods that take tokens all the time, scale-outs, and one application whose SDK is too old.")
	if err := pause(ctx, time.Second); err != nil { // for the pods to come up
		return cutover.ExitError, err
	}
	plan, err := f.Plan(ctx, &cutover.PlanOptions{
		Soak: time.Second, Limits: cutover.Limits{Bake: 200 * time.Millisecond, InducePods: 10, PerCluster: 2},
		Order: func(a, b cutover.Unit) int { return last(a) - last(b) },
	})
	if err != nil {
		return cutover.ExitError, err
	}
	if err := plan.Show(out); err != nil {
		return cutover.ExitError, err
	}
	fmt.Fprintln(out)
	f.ResetTally()
	line := newTimeline(out)
	r, err := cutover.NewRunner(f.Clusters(), cutovertest.NewJournal(), demoGates(), &cutover.Options{
		Trust: f, Exchanger: f, Oracle: f, SoakEvery: 500 * time.Millisecond, Patience: 20 * time.Second, LowerPause: 100 * time.Millisecond, OnEvent: line.event,
	})
	if err != nil {
		return cutover.ExitError, err
	}
	rep, err := r.Run(ctx, plan)
	line.draw()
	printReport(out, rep)
	t := f.Tally()
	fmt.Fprintf(out, "\n%d tokens taken while it happened: %d failed, %d of a wrong identity; %d by the new path, %d by the old one.\n",
		t.Taken, t.Failed, t.Wrong, t.NewPath, t.OldPath)
	code := exitCode(plan, rep, err)
	if err != nil || code != cutover.ExitFrozen || t.Failed+t.Wrong > 0 || !staged(rep) {
		return cutover.ExitError, errors.Join(err, fmt.Errorf("the demonstration did not go as staged: exit code %d, %d tokens failed, %d wrong",
			code, t.Failed, t.Wrong))
	}
	fmt.Fprintf(out, "As staged: the application with the old SDK was caught and rolled back before it lost a token. On a real fleet the exit code is %d.\n", code)
	return cutover.ExitDone, nil
}

// staged reports whether the old application alone was rolled back.
func staged(rep *cutover.Report) bool {
	for _, u := range rep.Units {
		if (u.State == cutover.RolledBack) != strings.Contains(u.ID, "zz-legacy") {
			return false
		}
	}
	return true
}

// simulated is a fleet under way: some of its workloads scale while they are moved.
func simulated() *cutovertest.Fleet {
	f := cutovertest.New(&cutovertest.Options{Pace: pace, TokenEvery: 20 * time.Second})
	for _, region := range []string{"eastus", "westeurope"} {
		c := f.AddCluster("aks-"+region+"-01", region, 4)
		c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", HPA: true})
		c.Deploy(cutovertest.App{Namespace: "orders", Name: "queue", Kind: "StatefulSet"})
		n := 3
		var wave func(s *cutovertest.Script)
		wave = func(s *cutovertest.Script) {
			n = 9 - n
			s.Scale("Deployment", "shop", "web", n)
			s.Again(6*time.Minute, wave)
		}
		c.After(2*time.Minute, wave)
	}
	f.Cluster("aks-westeurope-01").Deploy(cutovertest.App{Namespace: "zz-legacy", Name: "ledger", SDK: cutovertest.SDKOld})
	return f
}

// last puts the application that will fail behind all others, so that the reader sees them move first.
func last(u cutover.Unit) int {
	if u.Namespace == "zz-legacy" {
		return 1
	}
	return 0
}

// demoGates are the library's own, all of them, with windows at the demonstration's pace.
func demoGates() cutover.Gates {
	load := &cutover.LoadOptions{Window: time.Second, Deadline: time.Minute, LookEvery: time.Second, InduceAfter: 300 * time.Millisecond,
		Calm: 300 * time.Millisecond, Pods: 2, Nodes: 2}
	return cutover.DefaultGates(&cutover.GateOptions{
		Preflight: &cutover.PreflightOptions{EntraClock: func(context.Context) (time.Time, error) { return time.Now(), nil }},
		Prove:     &federation.ProveOptions{Settle: -1, Every: 50 * time.Millisecond, Deadline: 5 * time.Second},
		Settle:    5 * time.Second, SettleEvery: 100 * time.Millisecond, Quiet: 500 * time.Millisecond,
		Calm: 300 * time.Millisecond, Load: load, LoadAgain: load,
	})
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
