package cutovertest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/cutover"
)

// TestJournal is the suite that every cutover.Journal must pass. open returns a journal over one and the same storage each time it is
// called: what one has saved, the next must find. The keys used are in cluster.
func TestJournal(t *testing.T, cluster string, open func(t *testing.T) cutover.Journal) {
	j := open(t)
	key := cutover.Key{Cluster: cluster, Unit: cluster + "/shop/web"}
	record := func() *cutover.Record {
		return &cutover.Record{
			Schema: cutover.Schema, Key: key, Namespace: "shop", Plan: "p", Lineage: "l", State: cutover.Planned, Epoch: 1,
			Acts: []cutover.Act{{Edit: "label", Phase: cutover.Intended, Before: map[string]any{"spec": map[string]any{"x": "y"}}}},
		}
	}
	t.Run("a unit that was never saved has no record", func(t *testing.T) {
		if _, err := j.Load(t.Context(), key); !errors.Is(err, cutover.ErrNoRecord) {
			t.Errorf("got %v, want ErrNoRecord", err)
		}
	})
	saved := record()
	t.Run("what was saved comes back, here and in the next process", func(t *testing.T) {
		mustSave(t, j, saved)
		for _, again := range []cutover.Journal{j, open(t)} {
			got, err := again.Load(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(saved, got); diff != "" {
				t.Errorf("saved (-) and loaded (+):\n%s", diff)
			}
			j = again
		}
	})
	t.Run("a second first save is fenced off", func(t *testing.T) {
		if err := j.Save(t.Context(), record()); !errors.Is(err, cutover.ErrFenced) {
			t.Errorf("got %v, want ErrFenced", err)
		}
	})
	t.Run("of two that read the same record, one saves", func(t *testing.T) { testRace(t, j, key) })
	t.Run("one that slept is fenced off, and stores nothing", func(t *testing.T) {
		old, now := load(t, j, key), load(t, j, key)
		now.State = cutover.Trusted
		mustSave(t, j, now)
		old.State = cutover.Frozen
		if err := j.Save(t.Context(), old); !errors.Is(err, cutover.ErrFenced) {
			t.Errorf("got %v, want ErrFenced", err)
		}
		if got := load(t, j, key); got.State != cutover.Trusted {
			t.Errorf("state %s was stored", got.State)
		}
	})
	t.Run("records are listed in order", func(t *testing.T) {
		other := record()
		other.Unit = cluster + "/shop/api"
		mustSave(t, j, other)
		all, err := j.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var units []string
		for _, r := range all {
			units = append(units, r.Unit)
		}
		if want := other.Unit + " " + key.Unit; strings.Join(units, " ") != want {
			t.Errorf("listed %v, want %s", units, want)
		}
	})
	t.Run("a record of a newer schema is refused", func(t *testing.T) {
		newer := record()
		newer.Unit, newer.Schema = cluster+"/shop/newer", cutover.Schema+1
		mustSave(t, j, newer)
		if _, err := j.Load(t.Context(), newer.Key); !errors.Is(err, cutover.ErrSchema) {
			t.Errorf("got %v, want ErrSchema", err)
		}
	})
	t.Run("a record that cannot be read is named, and leaves the others readable", func(t *testing.T) {
		all, err := j.List(t.Context())
		var bad *cutover.UnreadableError
		if !errors.As(err, &bad) || bad.Unit != cluster+"/shop/newer" || bad.Cluster != cluster || !errors.Is(err, cutover.ErrSchema) {
			t.Errorf("got %v, want an UnreadableError of the newer record", err)
		}
		if len(all) != 2 {
			t.Errorf("%d records, want the two that can be read", len(all))
		}
	})
	t.Run("an ended context stores nothing", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := load(t, j, key)
		r.State = cutover.Done
		if err := j.Save(ctx, r); err == nil {
			t.Error("saved")
		}
	})
}

func testRace(t *testing.T, j cutover.Journal, key cutover.Key) {
	const racers = 8
	var wg sync.WaitGroup
	errs := make([]error, racers)
	records := make([]*cutover.Record, racers)
	for i := range racers {
		records[i] = load(t, j, key)
		records[i].Epoch += int64(i) + 1 // no two of them save the same
	}
	for i := range racers {
		wg.Go(func() { errs[i] = j.Save(t.Context(), records[i]) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, cutover.ErrFenced):
			t.Errorf("got %v, want ErrFenced", err)
		}
	}
	if won != 1 {
		t.Errorf("%d of %d won", won, racers)
	}
}

func load(t *testing.T, j cutover.Journal, key cutover.Key) *cutover.Record {
	t.Helper()
	r, err := j.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustSave(t *testing.T, j cutover.Journal, r *cutover.Record) {
	t.Helper()
	if err := j.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}
