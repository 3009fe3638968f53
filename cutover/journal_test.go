package cutover_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestJournals(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		j := cutovertest.NewJournal()
		cutovertest.TestJournal(t, "c1", func(*testing.T) cutover.Journal { return j })
	})
	t.Run("file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "journal.jsonl")
		var last *cutover.FileJournal
		cutovertest.TestJournal(t, "c1", func(t *testing.T) cutover.Journal {
			if last != nil {
				if err := last.Close(); err != nil {
					t.Fatal(err)
				}
			}
			j, err := cutover.OpenJournal(path)
			if err != nil {
				t.Fatal(err)
			}
			last = j
			return j
		})
	})
	t.Run("config map", func(t *testing.T) {
		f := cutovertest.New(nil)
		f.AddCluster("c1", "eastus", 1)
		cutovertest.TestJournal(t, "c1", func(t *testing.T) cutover.Journal {
			j, err := cutover.NewConfigMapJournal(f.Clusters(), "ops")
			if err != nil {
				t.Fatal(err)
			}
			return j
		})
	})
}

// savedJournal writes a journal of two saves and returns its path and text.
func savedJournal(t *testing.T) (path string, text []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "journal.jsonl")
	j, err := cutover.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	r := &cutover.Record{Schema: cutover.Schema, Key: cutover.Key{Cluster: "c1", Unit: "u"}, State: cutover.Planned}
	for _, s := range []cutover.State{cutover.Planned, cutover.Trusted} {
		r.State = s
		if err := j.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, text
}

func TestAFileJournalCutAnywhereInItsLastLineHoldsTheLineBefore(t *testing.T) {
	t.Parallel()
	path, text := savedJournal(t)
	first := bytes.IndexByte(text, '\n') + 1
	for cut := first; cut <= len(text); cut++ {
		if err := os.WriteFile(path, text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := cutover.OpenJournal(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		r, err := j.Load(t.Context(), cutover.Key{Cluster: "c1", Unit: "u"})
		if err != nil {
			t.Fatal(err)
		}
		want := cutover.Planned
		if cut == len(text) {
			want = cutover.Trusted
		}
		if r.State != want {
			t.Errorf("cut at %d: state %s, want %s", cut, r.State, want)
		}
		r.State = cutover.Frozen
		if err := j.Save(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if again, err := cutover.OpenJournal(path); err != nil {
			t.Errorf("cut at %d and saved over: %v", cut, err)
		} else if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFileJournalThatWasEditedIsRefused(t *testing.T) {
	path, text := savedJournal(t)
	text = bytes.Replace(text, []byte(`"state":"Planned"`), []byte(`"state":"Trusted"`), 1)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cutover.OpenJournal(path); err == nil {
		t.Error("an edited line in the middle was accepted")
	}
}

func TestAFileJournalKeepsOtherProcessesOut(t *testing.T) {
	path, _ := savedJournal(t)
	j, err := cutover.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cutover.OpenJournal(path); !errors.Is(err, cutover.ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = cutover.OpenJournal(path); err != nil {
		t.Errorf("after it was closed: %v", err)
	} else if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAConfigMapRecordThatWouldNotFitIsRefused(t *testing.T) {
	f := cutovertest.New(nil)
	f.AddCluster("c1", "eastus", 1)
	j, err := cutover.NewConfigMapJournal(f.Clusters(), "ops")
	if err != nil {
		t.Fatal(err)
	}
	r := &cutover.Record{Schema: cutover.Schema, Key: cutover.Key{Cluster: "c1", Unit: "u"}, Reason: string(make([]byte, 256<<10))}
	if err := j.Save(context.WithoutCancel(t.Context()), r); !errors.Is(err, cutover.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}
