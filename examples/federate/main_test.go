package main

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/federation"
)

func TestWithoutApproveNothingChanges(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "1 to replace") || !strings.Contains(out.String(), "Nothing was changed.") {
		t.Errorf("printed\n%s", out.String())
	}
}

func TestApproveConverges(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-double", "-approve", "-topology", "keep"}, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "planned again: 0 changes are pending") {
		t.Errorf("printed\n%s", out.String())
	}
}

func TestASavedPlanIsAppliedOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "plan.json")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-double", "-save", file}, &out); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-double", "-plan", file, "-approve"}, &out); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-double", "-plan", file, "-approve"}, &out); !errors.Is(err, federation.ErrUsed) {
		t.Errorf("error %v", err)
	}
}

func TestAzureNeedsAFleet(t *testing.T) {
	var out bytes.Buffer
	for _, args := range [][]string{{"-approve"}, {"-topology", "none", "-double"}, {"-nonsense"}} {
		if err := run(t.Context(), args, &out); err == nil {
			t.Errorf("ran with %q", args)
		}
	}
}
