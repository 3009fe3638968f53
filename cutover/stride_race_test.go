//go:build race

package cutover_test

// stride is the step of the enumerations that put a crash at each write, or try each seed. Under the race detector, which is several times
// slower, a few of them do: what matters there is that goroutines meet, and without it all of them are tried.
const stride = 4
