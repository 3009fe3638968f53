package catalog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	randv2 "math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

// FuzzReconcile holds, for any snapshots: no panic, the same bytes for shuffled input, a catalog that survives JSON, reports that can be
// written, and input that is left alone. The input is a program for [machine], so that most of what is tried makes facts that meet.
func FuzzReconcile(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x01\x01\x01\x01\x01\x02\x01\x01\x01\x01\x03\x01\x01\x04\x01\x01\x01\x01\x01\x01\x01"))
	f.Add([]byte("two clusters \x00\x02, of one name, with pods of pods \x04\x04\x04\x04"))
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) > 600 {
			t.Skip("long programs say nothing new")
		}
		m := machine{program: program}
		holds(t, m.run())
	})
}

func TestOddSnapshots(t *testing.T) {
	for _, text := range oddSnapshots() {
		var snaps []*catalog.Snapshot
		if err := json.Unmarshal(text, &snaps); err != nil {
			t.Fatal(err)
		}
		holds(t, snaps)
	}
}

// holds checks everything that is true of the catalog of any snapshots.
func holds(t *testing.T, snaps []*catalog.Snapshot) {
	t.Helper()
	before, err := json.Marshal(snaps)
	if err != nil {
		t.Fatal(err)
	}
	cat, problem := catalog.Reconcile(snaps, nil)
	if problem != nil && !errors.Is(problem, catalog.ErrDuplicateCluster) && !errors.Is(problem, catalog.ErrNoCluster) {
		t.Fatalf("error of another kind: %v", problem)
	}
	if after, _ := json.Marshal(snaps); !bytes.Equal(before, after) {
		t.Fatal("the input was changed")
	}
	text, err := json.Marshal(cat)
	if err != nil {
		t.Fatal(err)
	}
	var present []*catalog.Snapshot
	for _, s := range snaps {
		if s != nil {
			present = append(present, s)
		}
	}
	again, _ := catalog.Reconcile(catalogtest.Shuffled(present, 7), nil)
	if other, _ := json.Marshal(again); !bytes.Equal(text, other) {
		t.Fatalf("shuffled input gives another catalog:\n%s", cmp.Diff(cat, again))
	}
	var back catalog.Catalog
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cat, &back, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("a trip through JSON changes the catalog:\n%s", diff)
	}
	known := map[catalog.Code]bool{}
	for _, r := range catalog.Rules() {
		known[r.Code] = true
	}
	for _, finding := range cat.Findings {
		if !known[finding.Code] || finding.Severity.Rank() < 0 || finding.Object == "" || finding.Message == "" || finding.Remedy == "" {
			t.Fatalf("finding that says too little: %+v", finding)
		}
	}
	for _, n := range cat.Needs {
		if n.Identity.Key() == "" || n.Namespace == "" || n.ServiceAccount == "" || len(n.Workloads) == 0 {
			t.Fatalf("need that says too little: %+v", n)
		}
	}
	for name, write := range reports() {
		if err := write(cat, &bytes.Buffer{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

// oddSnapshots are a few small fleets, from plain to hostile.
func oddSnapshots() [][]byte {
	one := catalogtest.NewCluster("a", "eastus").App("shop", "web")
	odd := catalogtest.NewCluster("b", "East US").App("shop", "web", catalogtest.Suspended(), catalogtest.Use()).
		Workload("Widget", "shop", "../x", "web", catalogtest.Label("shop-web")).
		Assigned("shop", "p", "web", "node", "Created").Exception("shop", "x", "app", "WEB").
		Edit(gap("azureidentities.aadpodidentity.k8s.io"))
	var out [][]byte
	for _, snaps := range [][]*catalog.Snapshot{{one.Snapshot()}, {one.Snapshot(), odd.Snapshot()}, {one.Snapshot(), one.Snapshot(), nil}} {
		text, err := json.Marshal(snaps)
		if err != nil {
			panic(err)
		}
		out = append(out, text)
	}
	return append(out, []byte(`[{"cluster":{"name":"\u202e","coverage":{"complete":true}},"identities":[{"namespace":"a","name":"a","type":9}],
		"bindings":[{"namespace":"a","name":"a","azureIdentity":"a","selector":"\ud800"}],
		"workloads":[{"kind":"Pod","namespace":"a","name":"a","owner":{"kind":"Pod","name":"a"},"template":{"labels":{"aadpodidbinding":"\ud800"}}}]}]`))
}

func TestRandomPrograms(t *testing.T) {
	t.Parallel()
	r := randv2.New(randv2.NewPCG(1, 2))
	for range 150 {
		program := make([]byte, r.IntN(3000))
		for i := range program {
			program[i] = byte(r.Uint32())
		}
		m := machine{program: program}
		holds(t, m.run())
	}
}
