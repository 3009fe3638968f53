package cutovertest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func ExampleNew() {
	fleet := cutovertest.New(&cutovertest.Options{Pace: 0.001, TokenEvery: 10 * time.Second})
	cluster := fleet.AddCluster("aks-eastus-01", "eastus", 3)
	cluster.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
	time.Sleep(300 * time.Millisecond)
	t := fleet.Tally()
	fmt.Println(t.Births, "pods; all tokens by the old path:", t.Taken > 0 && t.Taken == t.OldPath, "failed:", t.Failed)
	// Output:
	// 3 pods; all tokens by the old path: true failed: 0
}

func ExampleNewCrash() {
	crash := cutovertest.NewCrash(2, true) // dies instead of its second write
	ctx := crash.Context(context.Background())
	journal := crash.Journal(cutovertest.NewJournal())
	record := &cutover.Record{Schema: cutover.Schema, Key: cutover.Key{Cluster: "c", Unit: "u"}}
	fmt.Println(journal.Save(ctx, record))
	fmt.Println(errors.Is(journal.Save(ctx, record), cutovertest.ErrCrashed), ctx.Err())
	// Output:
	// <nil>
	// true context canceled
}

func ExampleCluster_SetWebhook() {
	fleet := cutovertest.New(nil)
	cluster := fleet.AddCluster("aks-eastus-01", "eastus", 1)
	cluster.SetWebhook(cutovertest.WebhookDown)
	pod := `{"metadata":{"namespace":"shop","labels":{"azure.workload.identity/use":"true"}},"spec":{"containers":[{"name":"app"}]}}`
	_, err := cluster.DryRun(context.Background(), cutover.Write{
		Verb: cutover.Create, Ref: cutover.Ref{APIVersion: "v1", Kind: "Pod", Namespace: "shop"}, Body: []byte(pod),
	})
	fmt.Println(err)
	// Output:
	// Internal error occurred: failed calling webhook "mutation.azure-workload-identity.io": connection refused
}
