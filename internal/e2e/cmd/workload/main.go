// Command workload takes tokens in a loop and prints what it got, one JSON report a line. The kubelet's double starts one for each
// container of a test fleet; see package workload for its environment. Called with "proxy" first it is the migration sidecar.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/wimigrate/wimigrate/internal/e2e/sidecar"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == "proxy" {
		return sidecar.Main(ctx, args[1:], os.Stderr)
	}
	cfg, err := workload.FromEnvironment()
	if err != nil {
		return err
	}
	return workload.Run(ctx, cfg, os.Stdout)
}
