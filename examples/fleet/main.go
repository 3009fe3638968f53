// Command fleet is the main job: it reads a fleet and prints every (namespace, service account) that needs an identity, everything that
// is wrong with the estate, the trust that Entra must hold, and the waves in which the namespaces can move. With no flags it reads a
// bundled fleet of twelve clusters in two regions. It changes nothing.
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

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

//go:generate go run ./internal/gen fleet

type config struct {
	fleet, out, format, topology string
	detailed                     bool
}

// result is everything the command has to say.
type result struct {
	Catalog    *catalog.Catalog `json:"catalog"`
	Federation *federation.Plan `json:"federation"`
	Cutover    *cutover.Plan    `json:"cutover"`

	comparison federation.Comparison
	trust      *federation.Trust
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, code := parse(args, stderr)
	if code >= 0 {
		return code
	}
	res, err := compute(ctx, c, stderr)
	for _, e := range distinct(err, nil) {
		fmt.Fprintln(stderr, "fleet:", e)
	}
	if res == nil {
		return exitFailed
	}
	if err := errors.Join(res.print(stdout, c), res.save(c, stderr)); err != nil {
		fmt.Fprintln(stderr, "fleet:", err)
		return exitFailed
	}
	if fatal(err) {
		return exitFailed
	}
	if !c.detailed {
		return 0
	}
	code, why := res.exitCode()
	if code != 0 {
		fmt.Fprintln(stderr, "fleet:", why)
	}
	return code
}

func parse(args []string, stderr io.Writer) (config, int) {
	var c config
	f := flag.NewFlagSet("fleet", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, "usage: fleet [flags]\n\nReads a fleet and prints its catalog, federation plan and cutover plan. It changes nothing.\n\n")
		f.PrintDefaults()
		fmt.Fprint(stderr, "\nexit status: 0 done, 1 failed, 2 wrong flags; with -detailed-exitcode also 3 blocking findings, 8 incomplete coverage\n")
	}
	f.StringVar(&c.fleet, "fleet", "", "`file` that lists the clusters (fleet.yaml); default: a bundled fleet")
	f.StringVar(&c.out, "out", "", "`folder` to write catalog.json, federation.json, cutover.json, findings.md, gitops/ and report.html to")
	f.StringVar(&c.format, "format", "table", "`format` of what is printed: table, json or markdown")
	f.StringVar(&c.topology, "topology", federation.TopologyKeep, "which identity each workload gets: keep, per-workload or per-cluster")
	f.BoolVar(&c.detailed, "detailed-exitcode", false, "exit with 3 when a finding blocks, and with 8 when the coverage is incomplete")
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return c, 0
	case err != nil:
		return c, exitUsage
	case f.NArg() > 0:
		fmt.Fprintf(stderr, "fleet: unexpected argument %q; see -help\n", f.Arg(0))
		return c, exitUsage
	case c.format != "table" && c.format != "json" && c.format != "markdown":
		fmt.Fprintf(stderr, "fleet: -format %q: want table, json or markdown\n", c.format)
		return c, exitUsage
	}
	if _, err := federation.ParseTopology(c.topology); err != nil {
		fmt.Fprintln(stderr, "fleet: -topology:", err)
		return c, exitUsage
	}
	return c, -1
}
