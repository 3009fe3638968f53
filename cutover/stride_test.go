//go:build !race

package cutover_test

// stride is the step of the enumerations that put a crash at each write, or try each seed.
const stride = 1
