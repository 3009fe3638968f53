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
const atOnce = 9

// How long a test takes, compared with the others: its place in the queue, in seconds. The long ones, as many as run at once, begin first, so
// that none of them runs alone at the end.
const (
	long = iota
	middling
	short
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
func inTurn(t *testing.T, place time.Duration) {
	t.Helper()
	t.Parallel()
	began := time.Now()
	time.Sleep(place * time.Second) // behind the others in the queue
	turns <- struct{}{}
	t.Logf("its turn came after %s", time.Since(began).Round(time.Second))
	t.Cleanup(func() { <-turns })
}
