// Command lint finds OIDC issuer URLs that were pasted into infrastructure code, manifests, scripts and runbooks, and says what to
// write instead.
//
//	lint [-fleet fleet.yaml] [-sarif findings.sarif] FOLDER
//
// Exit status: 0 clean, 1 failed, 2 wrong flags, 3 pasted issuers, 8 something could not be read. With no folder it lints a bundled one
// and exits with 0.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation/lint"
)

//go:embed estate
var bundled embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("lint", flag.ContinueOnError)
	flags.SetOutput(stderr)
	fleet := flags.String("fleet", "", "`file` that lists the clusters (fleet.yaml): names the cluster behind each issuer, and finds dead ones")
	sarif := flags.String("sarif", "", "`file` to write SARIF 2.1.0 to")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil || flags.NArg() > 1:
		fmt.Fprintln(stderr, "usage: lint [-fleet FILE] [-sarif FILE] FOLDER")
		return 2
	}
	var tree fs.FS = bundled
	if flags.NArg() == 1 {
		if info, err := os.Stat(flags.Arg(0)); err != nil || !info.IsDir() {
			fmt.Fprintf(stderr, "lint: %s is no folder that can be read; name the folder to lint\n", flags.Arg(0))
			return lint.ExitFailed
		}
		tree = os.DirFS(flags.Arg(0))
	}
	clusters, err := clustersOf(*fleet)
	if err != nil {
		fmt.Fprintln(stderr, "lint:", err)
		return lint.ExitFailed
	}
	report, err := lint.Scan(ctx, tree, &lint.Options{Catalog: clusters})
	if err = errors.Join(err, lint.WriteText(stdout, report), writeSARIF(*sarif, report)); err != nil {
		fmt.Fprintln(stderr, "lint:", err)
	}
	if flags.NArg() == 0 && err == nil {
		return 0
	}
	return lint.ExitCode(report, err)
}

// clustersOf reads the clusters of a fleet file and no more: lint wants their issuers.
func clustersOf(file string) (*catalog.Catalog, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // no catalog is a choice, not a failure
	}
	fleet, err := catalog.LoadFleet(file)
	if err != nil {
		return nil, err
	}
	cat := &catalog.Catalog{}
	for _, c := range fleet.Clusters {
		cat.Clusters = append(cat.Clusters, catalog.Cluster{Name: c.Name, Region: c.Region, ResourceID: c.ResourceID, Issuer: c.Issuer})
	}
	return cat, nil
}

func writeSARIF(file string, report *lint.Report) error {
	if file == "" {
		return nil
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(lint.WriteSARIF(f, report), f.Close())
}
