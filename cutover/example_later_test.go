package cutover_test

import (
	"context"
	"fmt"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
)

// Pods that were there before set the measure.
func ExampleReadyInTime() {
	target, err := simulatedTarget()
	if err != nil {
		fmt.Println(err)
		return
	}
	target.Baseline = []cutover.ReadyTimes{{Workload: "Deployment/web", Pods: 12, P95: 20 * time.Second}}
	v := cutover.ReadyInTime(nil)(context.Background(), target)
	fmt.Println(v.Result, v.Reason)
	// Output: inconclusive V2 Deployment/web: none of its new pods can be timed, want 95 % within 30s, since before the change they took 20s
}

// Ask the workspace that keeps Entra's sign-in logs; here one sign-in still came through IMDS.
func ExampleSignIns() {
	target, err := simulatedTarget()
	if err != nil {
		fmt.Println(err)
		return
	}
	target.Switched = time.Now().Add(-time.Hour)
	client := target.Unit.Accounts[0].Identity.ClientID
	log := []cutover.SignIn{{Time: time.Now().Add(-20 * time.Minute), AppID: client, FederatedCredentialID: "0b3f"}}
	gate := cutover.SignIns(func(context.Context, cutover.Target, time.Time, time.Time) ([]cutover.SignIn, error) { return log, nil }, nil)
	fmt.Println(gate(context.Background(), target).Result)
	log = append(log, cutover.SignIn{Time: time.Now().Add(-10 * time.Minute), AppID: client})
	fmt.Println(gate(context.Background(), target).Result)
	log = nil
	fmt.Println(gate(context.Background(), target).Result)
	// Output:
	// pass
	// fail
	// inconclusive
}
