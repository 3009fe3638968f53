package cutover_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestTwoRunnersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _ := oneApp(t, cutovertest.App{})
		p, j := planFor(t, f, nil), cutovertest.NewJournal()
		var wg sync.WaitGroup
		reps := make([]*cutover.Report, 2)
		errs := make([]error, 2)
		for i := range reps {
			r := runnerFor(t, f, j, cutovertest.PassGates(), &cutover.Options{Actor: string(rune('a' + i))})
			wg.Go(func() { reps[i], errs[i] = r.Run(t.Context(), p) })
		}
		wg.Wait()
		fenced := 0
		for _, err := range errs {
			if errors.Is(err, cutover.ErrFenced) {
				fenced++
			} else if err != nil {
				t.Error(err)
			}
		}
		if fenced != 1 {
			t.Errorf("%d runners were fenced off, want 1: %v", fenced, errs)
		}
		rep, err := runnerFor(t, f, j, cutovertest.PassGates(), nil).Status(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		wantStates(t, rep, cutover.Done)
		wantNoHarm(t, f)
		if n := f.Tally().ReplicaSets; n != 2 {
			t.Errorf("%d new templates, want 2", n)
		}
	})
}
