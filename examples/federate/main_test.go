package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/federation"
)

func TestWithoutApproveNothingChanges(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "1 to replace") || !strings.Contains(out.String(), "Nothing was changed.") {
		t.Errorf("printed\n%s", out.String())
	}
}

func TestApproveConverges(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-double", "-approve", "-topology", "keep"}, &out, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "planned again: 0 changes are pending") {
		t.Errorf("printed\n%s", out.String())
	}
}

func TestNothingIsApprovedForIdentitiesThatDoNotExist(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), []string{"-double", "-approve", "-topology", "per-cluster"}, &out, &out)
	if err == nil || !strings.Contains(err.Error(), "identities do not exist yet") || !strings.Contains(err.Error(), "/userAssignedIdentities/id-aks-eastus-01") {
		t.Errorf("error %v", err)
	}
}

func TestASavedPlanIsAppliedOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plan.json")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-double", "-save", file}, &out, &out); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-double", "-plan", file, "-approve"}, &out, &out); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-double", "-plan", file, "-approve"}, &out, &out); !errors.Is(err, federation.ErrUsed) {
		t.Errorf("error %v", err)
	}
}

func TestWrongFlagsAreToldWithoutDoingAnything(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"Azure needs a fleet":            {[]string{"-approve"}, "-fleet is required"},
		"a topology that is none":        {[]string{"-topology", "none", "-double"}, `unknown topology "none"`},
		"a flag that is none":            {[]string{"-nonsense"}, "-nonsense"},
		"an argument too many":           {[]string{"-double", "fleet.yaml"}, "fleet.yaml"},
		"a plan to read and one to keep": {[]string{"-double", "-plan", "a.json", "-save", "b.json"}, "-save"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if err := run(t.Context(), tc.args, &out, &errs); !errors.Is(err, errUsage) || !strings.Contains(errs.String(), tc.says) || out.Len() > 0 {
				t.Errorf("error %v, stderr %q, stdout %q", err, errs.String(), out.String())
			}
		})
	}
}

func TestWhatCouldNotBeReadIsTold(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"fleet.yaml": "clusters:\n- name: one\n  issuer: https://i/\n  snapshot: one\nfederatedCredentials: fics.json\n",
		"fics.json":  "[]", "one/a.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n", "one/b.yaml": "kind: Pod\n  x: [\n",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	if err := run(t.Context(), []string{"-double", "-fleet", filepath.Join(dir, "fleet.yaml")}, &out, &errs); err != nil || !strings.Contains(errs.String(), "one: file:b.yaml#1 could not be read") {
		t.Errorf("error %v, stderr %q", err, errs.String())
	}
	if err := os.WriteFile(filepath.Join(dir, "fics.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-double", "-fleet", filepath.Join(dir, "fleet.yaml")}, &out, &errs); err == nil || !strings.Contains(err.Error(), "fics.json: ") {
		t.Errorf("error %v", err)
	}
}
