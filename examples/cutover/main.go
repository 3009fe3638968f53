// Command cutover moves a fleet off Pod Identity, one namespace at a time. With no flags it moves a simulated fleet before the reader's
// eyes: scale-outs while it works, and one application that stays on the old path in silence, which is caught and rolled back. With
// -fleet it shows what it would do to a real one, and with -approve does it. Run it again to resume: the approved plan is kept beside the
// journal (in JOURNAL.plan.json) and goes on from there until all of its units have come to their end.
//
// Exit codes, 0 for a demonstration that went as staged: 0 done or nothing to do, 1 error, 2 changes pending, 3 blocked by findings, 4 held,
// 5 frozen or rolled back, 6 the plan is stale, 7 somebody else is at work, 8 incomplete coverage. What went worst counts.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
)

type config struct {
	fleet, plan, save, rbac, journal, namespace, publish, arm, tenant string
	approve, resume, rollback, status, thaw                           bool
	soak, bake, window                                                time.Duration
	induce                                                            int
	singleRollout, sidecar, vouch                                     places
	units                                                             []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out io.Writer) (int, error) {
	c, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return cutover.ExitDone, nil
	}
	if err != nil {
		return cutover.ExitError, err
	}
	if c.fleet == "" {
		return demo(ctx, out)
	}
	w, err := open(ctx, c, out)
	if err != nil {
		return exitCode(nil, nil, err), err
	}
	defer w.close()
	return w.work(ctx, c, out)
}

func parse(args []string) (config, error) {
	var c config
	f := flag.NewFlagSet("cutover", flag.ContinueOnError)
	f.StringVar(&c.fleet, "fleet", "", "`file` that lists the clusters by kubeconfig context (fleet.yaml); default: a simulated fleet")
	f.StringVar(&c.plan, "plan", "", "saved plan `file` to run; default: the one beside the journal while it is under way, else a fresh plan")
	f.StringVar(&c.save, "save", "", "`file` to save a fresh plan to")
	f.StringVar(&c.rbac, "rbac", "", "`folder` to write the manifests to, one for each cluster, of the least that the plan needs to be allowed there,\n"+
		"for a service account wimigrate in a namespace of that name, such as manifests/job.yaml runs as")
	f.StringVar(&c.journal, "journal", "cutover.journal", "journal `file`")
	f.StringVar(&c.namespace, "journal-namespace", "", "keep the journal in ConfigMaps of this `namespace` of each cluster instead")
	f.StringVar(&c.publish, "publish", "", "write the changes of what Git owns into this `folder`, such as a working copy: a patch for each object, by cluster\n"+
		"and namespace, and a kustomize Component that lists them; default: a held unit shows its patch")
	f.BoolVar(&c.approve, "approve", false, "make the changes")
	f.BoolVar(&c.resume, "resume", false, "go on with a plan that was approved before")
	f.BoolVar(&c.rollback, "rollback", false, "put back what is still ours, for the units named, or for all")
	f.BoolVar(&c.status, "status", false, "say where the units stand")
	f.Var(&c.singleRollout, "single-rollout", "comma-separated `namespaces` (NAMESPACE or CLUSTER/NAMESPACE) whose pods cannot be restarted twice: old label\n"+
		"out and new label in by one write, held at canary pods. By naming them you vouch that their applications use their federated token")
	f.Var(&c.sidecar, "sidecar", "comma-separated `namespaces` (likewise) whose applications cannot change yet and know only IMDS: their pods get the\n"+
		"webhook's migration proxy, which is temporary")
	f.Var(&c.vouch, "vouch", "comma-separated `namespaces` (likewise) whose applications use their federated token, by your word: needed where the old label\n"+
		"leaves without a canary, as it does by a commit")
	f.DurationVar(&c.soak, "soak", 0, "how long a unit of a fresh plan is watched once the old path is gone; default: 24h")
	f.DurationVar(&c.bake, "bake", 0, "pause between the waves of a fresh plan; default: 1h")
	f.IntVar(&c.induce, "induce", 0, "how many `pods` a fresh plan may add where nothing scales by itself; default: none, and such units are held")
	f.DurationVar(&c.window, "window", 0,
		"how long load is watched; default: 10m, and 5m the second time, and a day is waited for it. With the flag, ten windows are, and\n"+
			"no pause is longer than one")
	f.BoolVar(&c.thaw, "thaw", false, "let units that were frozen or rolled back be tried again, those named or all")
	f.StringVar(&c.tenant, "tenant", os.Getenv("AZURE_TENANT_ID"), "`ID` of the tenant of identities whose own is not known")
	f.StringVar(&c.arm, "arm", "", "`URL` of ARM; default: that of the fleet's cloud. AZURE_AUTHORITY_HOST does the same for Entra")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	c.units = f.Args()
	if declares := len(c.singleRollout)+len(c.sidecar)+len(c.vouch) > 0; declares && (c.plan != "" || c.fleet == "") {
		return c, errors.New("-single-rollout, -sidecar and -vouch are about a fresh plan of a -fleet; a saved -plan has recorded them")
	}
	if c.fleet == "" && (c.aboutEarlier() || c.approve || c.plan+c.save+c.rbac+c.publish != "") {
		return c, errors.New("-approve, -resume, -rollback, -thaw, -status, -plan, -save, -rbac and -publish need the -fleet that they are about")
	}
	return c, nil
}

// aboutEarlier reports whether the flags are about a plan that was approved before.
func (c config) aboutEarlier() bool { return c.resume || c.rollback || c.status || c.thaw }

// work does what the flags ask for.
func (w *world) work(ctx context.Context, c config, out io.Writer) (int, error) {
	r, err := cutover.NewRunner(w.clusters, w.journal, c.gates(w.azure), w.options(c, out))
	if err != nil {
		return cutover.ExitError, err
	}
	var rep *cutover.Report
	switch {
	case c.status:
		rep, err = r.Status(ctx, w.plan)
	case c.rollback:
		rep, err = r.Rollback(ctx, w.plan, c.units...)
	case c.thaw:
		rep, err = r.Thaw(ctx, w.plan, c.units...)
	case c.approve || c.resume:
		rep, err = r.Run(ctx, w.plan)
	default:
		if err := w.plan.Show(out); err != nil {
			return cutover.ExitError, err
		}
		fmt.Fprintln(out, "\nNothing was changed. -approve makes these changes.")
		return pending(w.plan), nil
	}
	printReport(out, rep)
	code := exitCode(w.plan, rep, err)
	if code == cutover.ExitStale && c.plan == "" {
		fmt.Fprintf(out, "\nThe world is not the one of the plan in %s: roll back or finish what is under way, remove that file, and plan anew.\n", c.planFile())
	}
	return code, err
}
