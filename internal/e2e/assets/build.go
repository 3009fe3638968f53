package assets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// build compiles one program, without cgo, beside its final place, asks it for its version, and only then moves it there and records its checksum:
// a build that is interrupted at any point leaves nothing that looks whole.
func build(ctx context.Context, o Options, pins pins, prog Program, path, label string) error {
	pkg, ask, want := pins.source(prog)
	started := time.Now()
	fmt.Fprintf(o.Progress, "building %s from %s; a cold build takes minutes\n", label, pkg)
	stop := every(15*time.Second, func() {
		fmt.Fprintf(o.Progress, "building %s: %s so far\n", label, time.Since(started).Round(time.Second))
	})
	defer stop()
	_ = os.Remove(path + ".sha256")
	fresh := path + ".new"
	flags := []string{"-trimpath", "-ldflags", pins.ldflags()}
	if err := compile(ctx, o.ModuleDir, pkg, fresh, flags, "CGO_ENABLED=0"); err != nil {
		return fmt.Errorf("assets: build %s: %w", prog, err)
	}
	out, err := exec.CommandContext(ctx, fresh, ask...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) {
		return fmt.Errorf("assets: the new %s does not report version %s but %q: %w", prog, want, out, errors.Join(err, errVersion))
	}
	sum, err := checksum(fresh)
	if err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	if err := os.WriteFile(path+".sha256", []byte(sum), 0o644); err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	fmt.Fprintf(o.Progress, "built %s in %s\n", label, time.Since(started).Round(time.Second))
	return nil
}

var errVersion = errors.New("wrong version")

func compile(ctx context.Context, dir, pkg, path string, flags []string, env ...string) error {
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"build"}, flags...), "-o", path, pkg)...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "GOWORK=off"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(err, errors.New(strings.TrimSpace(string(out))))
	}
	return nil
}

// BuildLocal builds a main package of the module that moduleDir lies in. It is not cached here: go's own cache, which it shares with the
// tests by using their flags, makes it a matter of seconds.
func BuildLocal(ctx context.Context, moduleDir, pkg, path string) error {
	if err := compile(ctx, moduleDir, pkg, path, []string{"-ldflags", "-s -w"}); err != nil {
		return fmt.Errorf("assets: build %s: %w", pkg, err)
	}
	return nil
}

// intact reports whether the program is there and is what was built.
func intact(path string) bool {
	want, err := os.ReadFile(path + ".sha256")
	if err != nil {
		return false
	}
	got, err := checksum(path)
	return err == nil && got == string(want)
}

func checksum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// every calls f at each tick until the returned function was called and f has returned for the last time.
func every(d time.Duration, f func()) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(d)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				f()
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}
