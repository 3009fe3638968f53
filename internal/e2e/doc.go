// Package e2e holds the tests that show this project's claims on real control planes: real API servers, service-account tokens and processes.
//
// They need Go, git and Linux, and no privilege: every node and pod has an address of its own in 127.0.0.0/8, which other systems do not
// serve unasked, and what is left running is looked for in /proc.
//
// From this folder `go test ./...` runs all of them; -short skips with one line each what would start a control plane. The first run builds
// Kubernetes, and the controller of Argo Rollouts, from the module proxy, which takes minutes; `go run ./cmd/fleet build` does only that, and
// shows how far it is. Tests get their world from package fleet, whose documentation is the place to start; `go run ./cmd/fleet up` keeps such
// a world up for hands-on work.
//
// WIMIGRATE_E2E_FULL=1 asks for the long versions of the cutover's tests, a dozen namespaces in each cluster and a process killed at every
// write, which take a quarter of an hour more:
//
//	WIMIGRATE_E2E_FULL=1 go test -v -timeout 60m -run 'TestAFleetUnderLoad|TestAKilledMove' .
package e2e
