package cutover_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
)

// scripted answers with the results in turn, the last one for ever, and counts the looks.
func scripted(looks *int, results ...cutover.Result) cutover.Gate {
	return func(context.Context, cutover.Target) cutover.Verdict {
		r := results[min(*looks, len(results)-1)]
		*looks++
		return cutover.Verdict{Gate: "scripted", Result: r, Reason: "because"}
	}
}

func TestCombinatorsNeverPassWhatWasNotSeen(t *testing.T) {
	const P, F, I = cutover.Pass, cutover.Fail, cutover.Inconclusive
	all := func(results ...cutover.Result) func(*int) cutover.Gate {
		return func(looks *int) cutover.Gate {
			var gates []cutover.Gate
			for _, r := range results {
				gates = append(gates, func(context.Context, cutover.Target) cutover.Verdict {
					*looks++
					return cutover.Verdict{Gate: "g", Result: r}
				})
			}
			return cutover.AllOf(gates...)
		}
	}
	eventually := func(results ...cutover.Result) func(*int) cutover.Gate {
		return func(looks *int) cutover.Gate {
			return cutover.Eventually(scripted(looks, results...), 10*time.Second, 4*time.Second)
		}
	}
	throughout := func(results ...cutover.Result) func(*int) cutover.Gate {
		return func(looks *int) cutover.Gate {
			return cutover.Throughout(scripted(looks, results...), 10*time.Second, 4*time.Second)
		}
	}
	for _, tc := range []struct {
		name  string
		gate  func(*int) cutover.Gate
		want  cutover.Result
		looks int
		took  time.Duration
	}{
		{"all of none is inconclusive", all(), I, 0, 0},
		{"all that pass, pass", all(P, P), P, 2, 0},
		{"one inconclusive among passes is inconclusive, and the rest is asked", all(P, I, P), I, 3, 0},
		{"a failure ends the asking", all(I, F, P), F, 2, 0},
		{"a result that is none of the three does not pass", all(P, "fine"), "fine", 2, 0},
		{"eventually passes as soon as its gate does", eventually(F, I, P), P, 3, 8 * time.Second},
		{"eventually looks a last time at the end of its patience", eventually(F), F, 4, 10 * time.Second},
		{"throughout passes when every look passed", throughout(P), P, 4, 10 * time.Second},
		{"throughout fails at the first failure", throughout(P, F, P), F, 2, 4 * time.Second},
		{"throughout is inconclusive when one look was", throughout(P, I, P), I, 4, 10 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				looks, start := 0, time.Now()
				v := tc.gate(&looks)(t.Context(), cutover.Target{})
				if v.Result != tc.want || looks != tc.looks || time.Since(start) != tc.took {
					t.Errorf("%s after %d looks and %v; want %s after %d and %v", v.Result, looks, time.Since(start), tc.want, tc.looks, tc.took)
				}
			})
		})
	}
}

func TestCombinatorsEndWithTheContext(t *testing.T) {
	for name, combine := range map[string]func(cutover.Gate) cutover.Gate{
		"eventually": func(g cutover.Gate) cutover.Gate { return cutover.Eventually(g, time.Hour, time.Minute) },
		"throughout": func(g cutover.Gate) cutover.Gate { return cutover.Throughout(g, time.Hour, time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				looks := 0
				result := cutover.Inconclusive
				if name == "throughout" {
					result = cutover.Pass // even what passed so far was not seen to the end
				}
				ctx, cancel := context.WithTimeoutCause(t.Context(), 90*time.Second, errors.New("told to stop"))
				defer cancel()
				v := combine(scripted(&looks, result))(ctx, cutover.Target{})
				if v.Result != cutover.Inconclusive || looks != 2 {
					t.Errorf("%+v after %d looks", v, looks)
				}
			})
		})
	}
}

func ExampleAllOf() {
	gate := cutover.Named("ready", cutover.AllOf(
		func(context.Context, cutover.Target) cutover.Verdict {
			return cutover.Judge("pods", cutover.Evidence{Check: "V2", Object: "Pod/api-1", Got: "Ready", Result: cutover.Pass})
		},
		func(context.Context, cutover.Target) cutover.Verdict { return cutover.Judge("tokens") },
	))
	v := gate(context.Background(), cutover.Target{})
	fmt.Println(v.Gate, v.Result, "-", v.Reason)
	// Output: ready inconclusive - tokens: nothing was seen to judge
}

func ExampleEventually() {
	looks := 0
	gate := cutover.Eventually(scripted(&looks, cutover.Inconclusive, cutover.Pass), time.Second, time.Millisecond)
	fmt.Println(gate(context.Background(), cutover.Target{}).Result, "after", looks, "looks")
	// Output: pass after 2 looks
}

func ExampleThroughout() {
	looks := 0
	gate := cutover.Throughout(scripted(&looks, cutover.Pass, cutover.Fail), time.Second, time.Millisecond)
	v := gate(context.Background(), cutover.Target{})
	fmt.Println(v.Result, "-", v.Reason)
	// Output: fail - look 2: because
}
