package fleet

import (
	"cmp"
	"os"
	"testing"

	"github.com/wimigrate/wimigrate/internal/e2e/objects"
	"github.com/wimigrate/wimigrate/internal/e2e/process"
)

// StartFleet starts a fleet for a test or benchmark and stops it at its end. With -short it skips the test, which takes control planes.
// When the test fails the folder with all logs, which bears the test's name, is kept and named.
func StartFleet(t testing.TB, spec Spec) *Fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real control planes; run without -short")
	}
	if spec.Progress == nil {
		spec.Progress = os.Stderr
	}
	spec.Name = cmp.Or(spec.Name, t.Name())
	f, err := Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Err(); err != nil {
			t.Error(err)
		}
		if err := f.Stop(); err != nil {
			t.Error(err)
		}
		if left, err := process.Naming(f.Dir); err != nil || len(left) > 0 {
			t.Errorf("programs of the fleet outlive it: %v %v", left, err)
		}
		if t.Failed() {
			t.Logf("logs are in %s", f.Dir)
			return
		}
		if spec.Dir == "" {
			_ = os.RemoveAll(f.Dir)
		}
	})
	return f
}

// Await polls until done says so, or fails the test with its last reason when the test's context ends.
func Await(t testing.TB, what string, done func() (bool, error)) {
	t.Helper()
	ctx, cancel := contextWithLimit(t)
	defer cancel()
	if err := objects.Await(ctx, what, ignoreContext(done)); err != nil {
		t.Fatal(err)
	}
}
