package catalogtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

func TestRandomFleetsAreReadAsTheyWereBuilt(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			fleet := catalogtest.Random(seed, nil)
			checkTruth(t, fleet, fleet.Snapshots)
		})
	}
}

func TestRandomFleetsAreReadFromFilesAsTheyWereBuilt(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			fleet := catalogtest.Random(seed, nil)
			file, err := fleet.Write(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			said, err := catalog.LoadFleet(file)
			if err != nil {
				t.Fatal(err)
			}
			snaps, err := catalog.ReadAll(t.Context(), said.Sources(nil), nil)
			if err != nil {
				t.Fatal(err)
			}
			checkTruth(t, fleet, snaps)
		})
	}
}

func TestShuffledFleetsGiveTheSameBytes(t *testing.T) {
	for seed := range uint64(10) {
		fleet := catalogtest.Random(seed, nil)
		want := reconciled(t, fleet.Snapshots)
		for shuffle := range uint64(3) {
			if got := reconciled(t, catalogtest.Shuffled(fleet.Snapshots, shuffle)); !bytes.Equal(got, want) {
				t.Fatalf("seed %d, shuffle %d: other bytes", seed, shuffle)
			}
		}
	}
}

func TestSmallFleetHoldsEveryFinding(t *testing.T) {
	fleet := catalogtest.Small()
	checkTruth(t, fleet, fleet.Snapshots)
	cat, err := catalog.Reconcile(fleet.Snapshots, nil)
	if err != nil {
		t.Fatal(err)
	}
	planned := map[catalog.Code]bool{catalog.FederationLimit: true, catalog.DeadIssuer: true, catalog.UnknownSubject: true}
	found := cat.Counts().ByCode
	for _, rule := range catalog.Rules() {
		if found[rule.Code] == 0 && !planned[rule.Code] {
			t.Errorf("no %s", rule.Code)
		}
	}
}

func checkTruth(t *testing.T, fleet *catalogtest.Fleet, snaps []*catalog.Snapshot) {
	t.Helper()
	cat, err := catalog.Reconcile(snaps, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range fleet.Truth.Check(cat) {
		t.Error(difference)
	}
}

func reconciled(t *testing.T, snaps []*catalog.Snapshot) []byte {
	t.Helper()
	cat, err := catalog.Reconcile(snaps, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(cat)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
