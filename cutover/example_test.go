package cutover_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// quickFleet is a simulated cluster, a thousand times as fast as a real one.
func quickFleet() *cutovertest.Fleet {
	f := cutovertest.New(&cutovertest.Options{Pace: 0.001})
	f.AddCluster("aks-eastus-01", "eastus", 3).Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
	time.Sleep(200 * time.Millisecond) // for its pods to come up
	return f
}

func ExampleNewPlan() {
	cat, fed := shop()
	plan, err := cutover.NewPlan(cat, fed, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range plan.Units[0].Steps {
		fmt.Println(step.ID)
	}
	// Output:
	// preflight
	// trust
	// annotate
	// label/Deployment/api
	// dualPath/Deployment/api
	// load
	// unbind/Deployment/api
	// canary/Deployment/api
	// release/Deployment/api
	// unbound/Deployment/api
	// loadAgain
	// soak
	// jobs
	// finish
}

func ExampleReadPlan() {
	cat, fed := shop()
	plan, err := cutover.NewPlan(cat, fed, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	if err := plan.Encode(&file); err != nil {
		fmt.Println(err)
		return
	}
	edited := bytes.Replace(file.Bytes(), []byte(`"canaryPods": 2`), []byte(`"canaryPods": 0`), 1)
	_, err = cutover.ReadPlan(bytes.NewReader(edited))
	fmt.Println(err)
	// Output:
	// cutover: the plan has changed: its digest is not that of its content; it was edited or cut short
}

func ExampleRunner_Run() {
	ctx := context.Background()
	fleet := quickFleet()
	plan, err := fleet.Plan(ctx, &cutover.PlanOptions{Soak: 10 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	runner, err := cutover.NewRunner(fleet.Clusters(), cutovertest.NewJournal(), cutovertest.PassGates(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := runner.Run(ctx, plan)
	for _, u := range report.Units {
		fmt.Println(u.ID, u.State, err)
	}
	report, err = runner.Rollback(ctx, plan)
	for _, u := range report.Units {
		fmt.Println(u.ID, u.State, err)
	}
	// Output:
	// aks-eastus-01/shop/web Done <nil>
	// aks-eastus-01/shop/web RolledBack <nil>
}

func ExampleOpenJournal() {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	journal, err := cutover.OpenJournal(filepath.Join(dir, "cutover.journal"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer journal.Close()
	record := &cutover.Record{Schema: cutover.Schema, Key: cutover.Key{Cluster: "aks-eastus-01", Unit: "aks-eastus-01/shop/web"}, State: cutover.Planned}
	asleep := *record
	fmt.Println(journal.Save(context.Background(), record))
	fmt.Println(journal.Save(context.Background(), &asleep))
	// Output:
	// <nil>
	// cutover: the journal record was changed by another runner
}

func ExampleNewConfigMapJournal() {
	ctx := context.Background()
	fleet := quickFleet()
	journal, err := cutover.NewConfigMapJournal(fleet.Clusters(), "wimigrate")
	if err != nil {
		fmt.Println(err)
		return
	}
	key := cutover.Key{Cluster: "aks-eastus-01", Unit: "aks-eastus-01/shop/web"}
	if err := journal.Save(ctx, &cutover.Record{Schema: cutover.Schema, Key: key, State: cutover.Held, Reason: "no load yet"}); err != nil {
		fmt.Println(err)
		return
	}
	maps, err := fleet.Cluster("aks-eastus-01").List(ctx, cutover.Selection{
		APIVersion: "v1", Kind: "ConfigMap", Namespace: "wimigrate", Labels: "wimigrate.github.io/journal=record",
	})
	for _, m := range maps {
		data := m.Object["data"].(map[string]any)
		fmt.Println(data["unit"], data["state"], data["reason"], err)
	}
	// Output:
	// aks-eastus-01/shop/web Held no load yet <nil>
}
