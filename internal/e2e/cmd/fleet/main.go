// Command fleet keeps a test fleet up for hands-on work: real control planes on loopback with the old world, the new world, and workloads
// that take tokens. It prints the kubeconfig's contexts and writes a fleet.yaml that examples/fleet reads.
//
//	go -C internal/e2e run ./cmd/fleet up
//	KUBECONFIG=…/kubeconfig go run ./examples/fleet -fleet …/fleet.yaml
//
// Both lines are for the root of the repository. The fleet stops, and leaves nothing behind, on SIGINT or SIGTERM. `fleet build` only makes
// sure of the programs that a fleet consists of, which takes minutes the first time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/wimigrate/wimigrate/internal/e2e/assets"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/seed"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "build":
		_, err := assets.Ensure(ctx, assets.All(), &assets.Options{Progress: stderr})
		return err
	case len(args) == 0 || args[0] != "up":
		return errors.New("usage, from the repository's root: go -C internal/e2e run ./cmd/fleet build, or … up [flags]; up -h lists the flags")
	}
	flags := flag.NewFlagSet("fleet up", flag.ContinueOnError)
	flags.SetOutput(stderr)
	clusters := flags.String("clusters", "aks-eastus-01=eastus,aks-westeurope-01=westeurope", "clusters as name=region, separated by commas")
	count := flags.Int("nodes", 3, "nodes of each cluster")
	dir := flags.String("dir", "", "folder for kubeconfig, fleet.yaml, keys and logs; default a temporary one")
	longTail := flags.Bool("seed", true, "fill the clusters with everything a catalog can find")
	apps := flags.Bool("apps", false, "run applications that can be moved, and print how")
	rollouts := flags.Bool("rollouts", false, "run Argo Rollouts too")
	verbose := flags.Bool("v", false, "log what the doubles do")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if *dir != "" { // what is printed is used elsewhere
		var err error
		if *dir, err = filepath.Abs(*dir); err != nil {
			return err
		}
	}
	spec := fleet.Spec{Dir: *dir, Rollouts: *rollouts, Progress: stderr}
	if *verbose {
		spec.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	for c := range strings.SplitSeq(*clusters, ",") {
		name, region, _ := strings.Cut(c, "=")
		spec.Clusters = append(spec.Clusters, fleet.ClusterSpec{Name: name, Region: region, Nodes: *count})
	}
	return up(ctx, spec, func(f *fleet.Fleet) error { return keep(ctx, f, *longTail, *apps, stdout) })
}

// up starts a fleet and stops it once it was used. A temporary folder goes with it, unless its logs tell of an error.
func up(ctx context.Context, spec fleet.Spec, use func(*fleet.Fleet) error) (err error) {
	if spec.Dir == "" {
		if spec.Dir, err = os.MkdirTemp("", "wimigrate-fleet-"); err != nil {
			return err
		}
		defer func() {
			if err == nil || ctx.Err() != nil {
				err = errors.Join(err, os.RemoveAll(spec.Dir))
			}
		}()
	}
	f, err := fleet.Start(ctx, spec)
	if err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	err = errors.Join(use(f), f.Stop())
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w\nlogs are in %s", err, f.Dir)
	}
	return err
}

var errInterrupted = errors.New("interrupted while it started")

// keep prints how to use the fleet and waits for the end.
func keep(ctx context.Context, f *fleet.Fleet, longTail, apps bool, stdout io.Writer) error {
	if longTail {
		if _, err := seed.LongTail(ctx, f); err != nil {
			return err
		}
	}
	if apps {
		if err := deployApps(ctx, f); err != nil {
			return err
		}
	}
	file := filepath.Join(f.Dir, "fleet.yaml")
	if err := f.WriteFleetFile(file, false); err != nil {
		return err
	}
	for _, c := range f.Clusters {
		fmt.Fprintf(stdout, "context %s\tregion %s\tissuer %s\n", c.Name, c.Region, c.Issuer())
	}
	fmt.Fprintf(stdout, "Entra %s\nARM %s\ncertificate authority %s\n\n", f.Azure.EntraURL, f.Azure.ARMURL, filepath.Join(f.Dir, "ca.crt"))
	fmt.Fprintf(stdout, "export KUBECONFIG=%s\ngo run ./examples/fleet -fleet %s    # from the repository's root\n\n", f.Kubeconfig(), file)
	if apps {
		if err := operator(ctx, f, file, stdout); err != nil {
			return err
		}
	}
	fmt.Fprintln(stdout, "Interrupt to stop.")
	<-ctx.Done()
	return nil
}
