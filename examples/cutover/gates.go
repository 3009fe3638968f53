package main

import (
	"time"

	"github.com/wimigrate/wimigrate/cutover"
)

// gates are those of a real run, with the library's defaults.
func gates() cutover.Gates {
	injected := cutover.Eventually(cutover.InjectionProbe(0), 2*time.Minute, 10*time.Second)
	newPath := cutover.NewPath(cutover.OldPathSilent(5*time.Minute), cutover.TelemetryClean())
	return cutover.Gates{
		Preflight: cutover.Preflight(nil),
		Trusted:   cutover.TrustProven(nil),
		Annotated: injected,
		DualPath:  cutover.AllOf(cutover.NewPods(), newPath),
		Load:      cutover.Load(nil),
		Canary:    cutover.NewPods(),
		Unbound:   cutover.AllOf(cutover.NewPods(), newPath),
		LoadAgain: cutover.Load(nil),
		Soak:      cutover.AllOf(cutover.InjectionProbe(1), cutover.NewPods()),
	}
}
