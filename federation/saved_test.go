package federation_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

func TestSavedPlanComesBackAndShowsEdits(t *testing.T) {
	cat, have := rebuiltFleet(t)
	p := mustPlan(t, cat, have, nil)
	var file bytes.Buffer
	if err := federation.Save(&file, p); err != nil {
		t.Fatal(err)
	}
	var contract struct {
		Changes []struct{ Action, Identity, Cluster, Namespace, ServiceAccount string }
	}
	if err := json.Unmarshal(file.Bytes(), &contract); err != nil || len(contract.Changes) != len(p.Changes) || contract.Changes[0].Identity != p.Changes[0].Identity {
		t.Errorf("changes do not lie at the top: %v, %v", contract, err)
	}
	saved, err := federation.Load(bytes.NewReader(file.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, saved.Plan); diff != "" || saved.Status != federation.SavedNew {
		t.Errorf("%s %s", saved.Status, diff)
	}
	for name, edit := range map[string][2]string{
		"another issuer":  {issuer("eastus", 77), issuer("eastus", 78)},
		"another name":    {"wimigrate-aks-eastus_payments_api", "wimigrate-aks-eastus_payments_xyz"},
		"another digest":  {p.Digest(), strings.Repeat("0", len(p.Digest()))},
		"another version": {`"schema": 1`, `"schema": 2`},
		"cut off":         {file.String()[file.Len()/2:], ""},
	} {
		edited := strings.Replace(file.String(), edit[0], edit[1], 1)
		if edited == file.String() {
			t.Fatalf("%s: nothing was edited", name)
		}
		if _, err := federation.Load(strings.NewReader(edited)); err == nil {
			t.Errorf("%s: loads", name)
		}
	}
}

func TestDigestsFollowTheInputsAndNothingElse(t *testing.T) {
	cat, have := rebuiltFleet(t)
	p := mustPlan(t, cat, have, nil)
	if again := mustPlan(t, cat, have, nil); again.Digest() != p.Digest() || again.Inputs != p.Inputs {
		t.Error("the same inputs have two digests")
	}
	have[managed("id-batch").Key()] = append(have[managed("id-batch").Key()], credential("new", 3, "x"))
	if moved := mustPlan(t, cat, have, nil); moved.Inputs == p.Inputs || moved.Digest() == p.Digest() {
		t.Error("another state has the same digest")
	}
	cat.Clusters[1].Region = "northeurope"
	if other := mustPlan(t, cat, have, nil); other.Inputs == p.Inputs {
		t.Error("another catalog has the same digest")
	}
}

func TestASavedPlanIsAppliedOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "plan.json")
		cat, have := rebuiltFleet(t)
		p := mustPlan(t, cat, have, nil)
		if err := federation.SaveFile(path, p); err != nil {
			t.Fatal(err)
		}
		cloud := seed(cat, have, &federationtest.CloudOptions{Fault: federationtest.First(federation.OpPut, 1, federationtest.Fault{Status: 400, Code: "BadRequest"})})
		if _, err := federation.ApplyFile(t.Context(), cloud.Store(), path, nil); err == nil {
			t.Fatal("the first write was to fail")
		}
		if saved, err := federation.LoadFile(path); err != nil || saved.Status != federation.SavedApplying {
			t.Errorf("after a failure: %+v, %v", saved, err)
		}
		if report, err := federation.ApplyFile(t.Context(), cloud.Store(), path, nil); err != nil || !report.Complete() {
			t.Errorf("resumed: %v", err)
		}
		before := len(cloud.Calls())
		if _, err := federation.ApplyFile(t.Context(), cloud.Store(), path, nil); !errors.Is(err, federation.ErrUsed) || len(cloud.Calls()) != before {
			t.Errorf("a used plan: %v, %d requests", err, len(cloud.Calls())-before)
		}
		saved, err := federation.LoadFile(path)
		if err != nil || saved.Show(&bytes.Buffer{}) != nil {
			t.Errorf("a used plan does not show: %v", err)
		}
		if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
			t.Errorf("left behind: %v", files)
		}
	})
}
