package cutovertest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// slowJournal answers the saves of one unit only when it is told to.
type slowJournal struct {
	cutover.Journal
	unit        string
	begun, tell chan struct{}
}

func (j slowJournal) Save(ctx context.Context, r *cutover.Record) error {
	if r.Unit == j.unit {
		close(j.begun)
		<-j.tell
	}
	return j.Journal.Save(ctx, r)
}

// slowly begins a save of the unit "slow" in a process that dies at its n-th write, and returns the process's journal, its contents, what
// lets the save go on, and what it answers.
func slowly(t *testing.T, n int) (process cutover.Journal, contents *cutovertest.Journal, tell chan struct{}, answer chan error) {
	t.Helper()
	contents = cutovertest.NewJournal()
	tell, answer = make(chan struct{}), make(chan error, 1)
	slow := slowJournal{contents, "slow", make(chan struct{}), tell}
	process = cutovertest.NewCrash(n, false).Journal(slow)
	go func() { answer <- process.Save(t.Context(), record("slow")) }()
	<-slow.begun
	return process, contents, tell, answer
}

func record(unit string) *cutover.Record {
	return &cutover.Record{Key: cutover.Key{Cluster: "aks-eastus-01", Unit: unit}}
}

// soon returns what a save of another unit answers while the slow one is still under way.
func soon(t *testing.T, j cutover.Journal, unit string) error {
	t.Helper()
	answer := make(chan error, 1)
	go func() { answer <- j.Save(t.Context(), record(unit)) }()
	select {
	case err := <-answer:
		return err
	case <-time.After(time.Minute):
		t.Fatalf("the save of %s waits for another unit's", unit)
		return nil
	}
}

func TestAWriteThatHangsKeepsNoOtherWaiting(t *testing.T) {
	process, _, tell, answer := slowly(t, 0)
	defer close(tell)
	if err := soon(t, process, "quick"); err != nil {
		t.Errorf("the quick save: %v", err)
	}
	if _, err := process.List(t.Context()); err != nil {
		t.Errorf("a read: %v", err)
	}
	select {
	case err := <-answer:
		t.Errorf("the slow save has answered (%v) before it was let go on", err)
	default:
	}
}

func TestNoWriteBeginsWhileTheLastOneIsUnderWay(t *testing.T) {
	process, contents, tell, answer := slowly(t, 1)
	if err := soon(t, process, "later"); !errors.Is(err, cutovertest.ErrCrashed) {
		t.Errorf("a save after the last: %v, want ErrCrashed", err)
	}
	close(tell)
	if err := <-answer; !errors.Is(err, cutovertest.ErrCrashed) {
		t.Errorf("the last save: %v, want ErrCrashed", err)
	}
	if all, err := contents.List(t.Context()); err != nil || len(all) != 1 || all[0].Unit != "slow" {
		t.Errorf("the journal holds %v (%v), want the last save alone", all, err)
	}
}

func TestAWriteThatIsUnderWayWhenTheProcessDiesIsNotHeardOf(t *testing.T) {
	process, contents, tell, answer := slowly(t, 2)
	if err := soon(t, process, "last"); !errors.Is(err, cutovertest.ErrCrashed) {
		t.Errorf("the last save: %v, want ErrCrashed", err)
	}
	close(tell)
	if err := <-answer; !errors.Is(err, cutovertest.ErrCrashed) {
		t.Errorf("the save that was under way: %v, want ErrCrashed", err)
	}
	if all, err := contents.List(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("the journal holds %v (%v), want both", all, err)
	}
}
