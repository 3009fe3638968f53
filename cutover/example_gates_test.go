package cutover_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// Every step gets its gate; what only the user has, such as metrics, joins in.
func ExampleDefaultGates() {
	errorsOf := func(context.Context, cutover.Target, time.Time, time.Time) (cutover.Failures, error) {
		return cutover.Failures{Requests: 1000}, nil // ask your metrics here
	}
	gates := cutover.DefaultGates(&cutover.GateOptions{
		Preflight: &cutover.PreflightOptions{EntraClock: func(context.Context) (time.Time, error) { return time.Now(), nil }},
		Load:      &cutover.LoadOptions{Deadline: 12 * time.Hour},
		Also:      []cutover.Gate{cutover.NoRegression(errorsOf, nil)},
	})
	_, err := cutover.NewRunner(nil, cutovertest.NewJournal(), gates, nil)
	fmt.Println(err)
	// Output: <nil>
}

// At idle the load gate never passes: the unit is held until somebody uses the application.
func ExampleLoad() {
	fleet := cutovertest.New(nil)
	cluster := fleet.AddCluster("aks-eastus-01", "eastus", 3)
	cluster.Deploy(cutovertest.App{Namespace: "shop", Name: "web", Replicas: -1})
	plan, err := fleet.Plan(context.Background(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	unit := &plan.Units[0]
	gate := cutover.Load(&cutover.LoadOptions{Window: 20 * time.Millisecond, Deadline: 50 * time.Millisecond, LookEvery: 10 * time.Millisecond,
		Probe: cutovertest.Verdict(cutover.Pass, "")})
	v := gate(context.Background(), cutover.Target{Plan: plan, Unit: unit, Workloads: unit.Workloads, Cluster: cluster, Oracle: fleet, Exchanger: fleet})
	fmt.Println(v.Result, v.Hold)
	fmt.Println(v.Reason)
	// Output:
	// inconclusive load
	// no scale-out was seen; at idle nothing is proven. load Deployment/web: rung: idle, want a scale-out within the window
}

// Errors are compared with the time before, as a share of all requests.
func ExampleNoRegression() {
	read := func(_ context.Context, _ cutover.Target, _, to time.Time) (cutover.Failures, error) {
		if time.Since(to) > time.Minute { // the time before
			return cutover.Failures{Requests: 5000}, nil
		}
		return cutover.Failures{Requests: 400, ByCode: map[string]int64{"AADSTS700213": 3}}, nil
	}
	v := cutover.NoRegression(read, nil)(context.Background(), cutover.Target{Unit: &cutover.Unit{ID: "aks-eastus-01/shop/web"}})
	fmt.Println(v.Result, v.Reason)
	// Output: fail V7 aks-eastus-01/shop/web: AADSTS700213: 3 of 400 requests, want at most 0.00 %, as before
}

// One witness that saw enough is enough, and none may speak against.
func ExampleNewPath() {
	unknown := cutovertest.Verdict(cutover.Inconclusive, "no telemetry")
	silent := cutovertest.Verdict(cutover.Pass, "")
	served := cutovertest.Verdict(cutover.Fail, "NMI served 3 operations")
	for _, gate := range []cutover.Gate{cutover.NewPath(unknown), cutover.NewPath(unknown, silent), cutover.NewPath(silent, served)} {
		fmt.Println(gate(context.Background(), cutover.Target{}).Result)
	}
	// Output:
	// inconclusive
	// pass
	// fail
}

// The status page of package credential tells how the last token came.
func ExampleTelemetry() {
	pages := map[string]string{
		"web-1": `{"path":"workloadIdentity","answeredBy":"entra","clientID":"c1","lastSuccess":"2026-11-01T12:00:00Z","taken":7,"failed":0}`,
		"web-2": `{"path":"podIdentity","answeredBy":"nmi","clientID":"c1","lastSuccess":"2026-11-01T12:00:00Z","taken":2,"failed":0}`,
	}
	oracle := &cutover.Telemetry{Status: func(_ context.Context, _, _, pod string) ([]byte, error) {
		if page, ok := pages[pod]; ok {
			return []byte(page), nil
		}
		return nil, errors.New("connection refused")
	}}
	paths, err := oracle.Pods(context.Background(), "aks-eastus-01", "shop", []string{"web-1", "web-2", "web-3"})
	for _, p := range paths {
		fmt.Println(p.Pod, p.Path, p.Taken)
	}
	fmt.Println(err)
	// Output:
	// web-1 workloadIdentity 7
	// web-2 podIdentity 2
	// web-3 unknown 0
	// <nil>
}

// simulatedTarget is what a gate would judge of a simulated workload without pods.
func simulatedTarget() (cutover.Target, error) {
	fleet := cutovertest.New(nil)
	cluster := fleet.AddCluster("aks-eastus-01", "eastus", 3)
	cluster.Deploy(cutovertest.App{Namespace: "shop", Name: "web", Replicas: -1})
	plan, err := fleet.Plan(context.Background(), nil)
	if err != nil {
		return cutover.Target{}, err
	}
	unit := &plan.Units[0]
	return cutover.Target{Plan: plan, Unit: unit, Workloads: unit.Workloads, Cluster: cluster, Exchanger: fleet, Oracle: fleet}, nil
}

// Applications say how they got their tokens; where none runs, none does.
func ExampleTelemetryClean() {
	target, err := simulatedTarget()
	if err != nil {
		fmt.Println(err)
		return
	}
	v := cutover.TelemetryClean()(context.Background(), target)
	fmt.Println(v.Result, v.Reason)
	// Output: inconclusive V5 Deployment/web: it has no pod of the newest template, want telemetry of its pods
}

// Looks in a row leave no instant out; the first has nothing to compare with.
func ExampleStillSilent() {
	target, err := simulatedTarget()
	if err != nil {
		fmt.Println(err)
		return
	}
	gate := cutover.StillSilent()
	for range 2 {
		v := gate(context.Background(), target)
		fmt.Println(v.Result, v.Evidence[0].Got)
	}
	// Output:
	// inconclusive its counters were read only once
	// pass no NMI served it anything in 1 looks
}

// The trust of each service account is exchanged anew, and every pod there is must be injected.
func ExampleStillInjected() {
	target, err := simulatedTarget()
	if err != nil {
		fmt.Println(err)
		return
	}
	v := cutover.StillInjected()(context.Background(), target)
	fmt.Println(v.Result, v.Evidence[0].Check, v.Evidence[0].Object)
	// Output: pass V3 ServiceAccount/web
}
