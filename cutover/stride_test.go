//go:build !race

package cutover_test

// stride is the step of the enumerations that put a crash at each write, or try each seed, and divides the size of the largest worlds; see
// its value under the race detector.
const stride = 1
