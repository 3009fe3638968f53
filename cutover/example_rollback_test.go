package cutover_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// Put everything back, two units of a cluster at a time. What was finished has no breadcrumbs any more: without the journal it stays as it is,
// and the error says so.
func ExampleRunner_Rollback() {
	ctx := context.Background()
	fleet := quickFleet()
	plan, err := fleet.Plan(ctx, &cutover.PlanOptions{Soak: 10 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	with := func(journal cutover.Journal) (*cutover.Runner, error) {
		return cutover.NewRunner(fleet.Clusters(), journal, cutovertest.PassGates(), &cutover.Options{BackAtOnce: 2})
	}
	runner, err := with(cutovertest.NewJournal())
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := runner.Run(ctx, plan); err != nil {
		fmt.Println(err)
		return
	}
	forgetful, err := with(cutovertest.NewJournal()) // it has lost the journal of the run
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = forgetful.Rollback(ctx, plan)
	var unit *cutover.UnitError
	if errors.Is(err, cutover.ErrNoRecord) && errors.As(err, &unit) {
		fmt.Println(unit.Unit, "needs a copy of the journal, or a person")
	}
	report, err := runner.Rollback(ctx, plan)
	for _, u := range report.Units {
		fmt.Println(u.ID, u.State, err)
	}
	// Output:
	// aks-eastus-01/shop/web needs a copy of the journal, or a person
	// aks-eastus-01/shop/web RolledBack <nil>
}
