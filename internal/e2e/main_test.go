package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"testing"
)

func TestMain(m *testing.M) {
	flag.Parse()
	takeTurns()
	debug.SetGCPercent(400) // as the programs that the tests start
	status := m.Run()
	if err := shared.stop(status != 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}
