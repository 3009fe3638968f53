package cutover_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/wimigrate/wimigrate/cutover"
)

func TestPeekJournalReadsWhatAnotherProcessHolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	if j, err := cutover.PeekJournal(path); err != nil {
		t.Errorf("no file: %v", err)
	} else if all, err := j.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("no file: %d records, %v", len(all), err)
	}
	holder, err := cutover.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	r := &cutover.Record{Schema: cutover.Schema, Key: cutover.Key{Cluster: "c", Unit: "c/shop/web"}, State: cutover.Labelled}
	if err := holder.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	j, err := cutover.PeekJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := j.Load(t.Context(), r.Key)
	if err != nil || got.State != cutover.Labelled {
		t.Errorf("%+v, %v", got, err)
	}
	got.State = cutover.Done
	if err := j.Save(t.Context(), got); !errors.Is(err, cutover.ErrLocked) {
		t.Errorf("a save: got %v, want ErrLocked", err)
	}
}
