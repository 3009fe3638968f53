package catalog_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"testing/quick"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wimigrate/wimigrate/catalog"
)

func TestASavedSnapshotComesBackTheSame(t *testing.T) {
	roundTrip := func(want catalog.Snapshot) bool {
		var b bytes.Buffer
		if err := catalog.WriteSnapshot(&b, &want); err != nil {
			t.Fatal(err)
		}
		got, err := catalog.ReadSnapshot(&b)
		if err != nil {
			t.Fatal(err)
		}
		diff := cmp.Diff(&want, got, cmpopts.EquateEmpty())
		if diff != "" {
			t.Error(diff)
		}
		return diff == ""
	}
	values := func(args []reflect.Value, r *rand) { args[0] = reflect.ValueOf(randomSnapshot(r)) }
	if err := quick.Check(roundTrip, &quick.Config{MaxCount: 20, Values: values}); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoSavedSnapshotIsRefused(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"a later schema says which":   {`{"wimigrateSnapshot": 2, "snapshot": {}}`, "it has schema 2 and this version knows 1"},
		"JSON of something else":      {`{"kind": "List"}`, "it does not begin with wimigrateSnapshot"},
		"a truncated file":            {`{"wimigrateSnapshot": 1, "snapsh`, "unexpected EOF"},
		"a snapshot of another shape": {`{"wimigrateSnapshot": 1, "snapshot": {"cluster": 7}}`, "cannot unmarshal"},
		"no snapshot in it":           {`{"wimigrateSnapshot": 1, "snapshot": null}`, "it holds no snapshot"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := catalog.ReadSnapshot(strings.NewReader(tt.text))
			if !errors.Is(err, catalog.ErrSchema) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestJoinLaysTwoSourcesOfOneClusterTogether(t *testing.T) {
	arm := catalog.Saved(&catalog.Snapshot{
		Cluster:               catalog.Cluster{Name: "in azure", Region: "eastus", Issuer: "https://issuer.example/", Coverage: catalog.Coverage{Complete: true}},
		AddOn:                 &catalog.AddOn{Enabled: true},
		ManagedIdentitiesRead: true, ManagedIdentitiesIn: []string{"s"},
		Origin: "arm:one",
	})
	files := catalog.Files("one", fstest.MapFS{"dump.yaml": {Data: []byte(dump)}}, nil)
	snap, err := catalog.Join(files, arm).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Cluster{Name: "one", Region: "eastus", Issuer: "https://issuer.example/", Coverage: catalog.Coverage{Complete: true}}
	if diff := cmp.Diff(want, snap.Cluster); diff != "" {
		t.Errorf("cluster (-want +got):\n%s", diff)
	}
	if len(snap.Bindings) != 1 || snap.AddOn == nil || !snap.ManagedIdentitiesRead || snap.Origin != "files + arm:one" {
		t.Errorf("snapshot %+v", snap)
	}
}

func TestJoinSaysWhereTwoSourcesDisagree(t *testing.T) {
	source := func(origin, issuer string) catalog.Source {
		return catalog.Saved(&catalog.Snapshot{Origin: origin, Cluster: catalog.Cluster{Name: "one", Issuer: issuer, Coverage: catalog.Coverage{Complete: true}}})
	}
	snap, err := catalog.Join(source("live", "https://a/"), source("arm", "https://a")).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Coverage{Gaps: []catalog.Gap{{Resource: "issuer", Reason: `live says "https://a/", arm says "https://a"`}}}
	if diff := cmp.Diff(want, snap.Cluster.Coverage); diff != "" || snap.Cluster.Issuer != "https://a/" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
}

func TestJoinGoesOnWithoutASourceThatFails(t *testing.T) {
	files := catalog.Files("one", fstest.MapFS{"dump.yaml": {Data: []byte(dump)}}, nil)
	snap, err := catalog.Join(files, catalog.Dir("one", t.TempDir()+"/missing", nil)).Read(t.Context())
	if _, ok := errors.AsType[*catalog.ClusterError](err); !ok || len(snap.Bindings) != 1 || snap.Cluster.Coverage.Complete {
		t.Errorf("error %v, snapshot %+v", err, snap)
	}
}
