package e2e_test

import (
	"flag"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// atOnce is how many of these tests run at once, which is more than go would run on a small machine: most of the time they wait for other
// processes. -parallel overrides it.
const atOnce = 8

// How long a test takes, compared with the others. The long ones begin first, so that none of them runs alone at the end.
const (
	long  = true
	short = false
)

var turns chan struct{}

// takeTurns is called once, after the flags are known.
func takeTurns() {
	n := max(atOnce, runtime.GOMAXPROCS(0))
	flag.Visit(func(f *flag.Flag) {
		if asked, err := strconv.Atoi(f.Value.String()); f.Name == "test.parallel" && err == nil {
			n = max(asked, 1)
		}
	})
	turns = make(chan struct{}, n)
	if err := flag.Set("test.parallel", "100"); err != nil { // go would start them in any order
		panic(err)
	}
}

// inTurn has a test run beside others, when it is its turn.
func inTurn(t *testing.T, first bool) {
	t.Helper()
	t.Parallel()
	if !first {
		time.Sleep(time.Second) // behind the others in the queue
	}
	turns <- struct{}{}
	t.Cleanup(func() { <-turns })
}
