package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/wimigrate/wimigrate/internal/e2e/assets"
)

func TestMain(m *testing.M) {
	flag.Parse()
	takeTurns()
	debug.SetGCPercent(400)        // as the programs that the tests start
	klog.SetLogger(logr.Discard()) // client-go tells of each watch that is broken on purpose
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	if err := shared.stop(status != 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// build makes sure of all programs before the time of the tests runs, as it takes minutes once. A process that a test starts has no use for them.
func build() error {
	if testing.Short() || os.Getenv(moverEnv) != "" || os.Getenv(sleeperEnv) != "" {
		return nil
	}
	_, err := assets.Ensure(context.Background(), assets.All(), &assets.Options{Progress: os.Stderr})
	return err
}
