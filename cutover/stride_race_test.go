//go:build race

package cutover_test

// stride is the step of the enumerations that put a crash at each write, or try each seed, and divides the size of the largest worlds.
// Under the race detector, which is several times slower, a few of them do: what matters there is that goroutines meet. Without it all of
// them are tried, and the gate runs both.
const stride = 6
