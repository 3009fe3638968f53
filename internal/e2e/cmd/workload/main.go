// Command workload takes tokens in a loop and prints what it got, one JSON report a line. The kubelet's double starts one for each
// container of a test fleet; see package workload for its environment.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/wimigrate/wimigrate/internal/e2e/workload"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	cfg, err := workload.FromEnvironment()
	if err == nil {
		err = workload.Run(ctx, cfg, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
