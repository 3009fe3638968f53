package assets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/internal/e2e/process"
)

// build compiles programs in one go: what they share is compiled once, and while one is linked another is compiled. Each is asked for its
// version and only then moved to its place and its checksum recorded: a build that is interrupted at any point leaves nothing that looks whole.
//
// The flags are those of the tests, so that these find most of what they import compiled.
func build(ctx context.Context, o Options, pins pins, programs []Program, dir string) error {
	started := time.Now()
	list := strings.Join(names(programs), ", ")
	fmt.Fprintf(o.Progress, "building %s; a cold build takes minutes\n", list)
	stop := every(15*time.Second, func() {
		fmt.Fprintf(o.Progress, "building %s: %s so far\n", list, time.Since(started).Round(time.Second))
	})
	defer stop()
	fresh := filepath.Join(dir, "new") + string(filepath.Separator) // the slash tells go to write all programs there
	if err := errors.Join(os.RemoveAll(fresh), os.Mkdir(fresh, 0o755)); err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	flags, err := pins.mended(ctx, fresh, programs)
	if err != nil {
		return err
	}
	flags = append(flags, "-ldflags", pins.ldflags())
	var packages []string
	for _, p := range programs {
		packages = append(packages, pins.source(p).pkg)
	}
	if err := compile(ctx, pins.dir, fresh, flags, packages...); err != nil {
		return fmt.Errorf("assets: build %s: %w", list, err)
	}
	for _, p := range programs {
		if err := install(ctx, pins.source(p), fresh, filepath.Join(dir, string(p))); err != nil {
			return fmt.Errorf("assets: %s: %w", p, err)
		}
	}
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	fmt.Fprintf(o.Progress, "built %s in %s\n", list, time.Since(started).Round(time.Second))
	return nil
}

// install moves a new program to its place once it has told its version.
func install(ctx context.Context, s source, fresh, path string) error {
	built := filepath.Join(fresh, s.built())
	cmd := exec.CommandContext(ctx, built, s.ask...)
	process.Tie(cmd)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), s.version) {
		return fmt.Errorf("the new program does not report version %s but %q: %w", s.version, out, errors.Join(err, errVersion))
	}
	if err := errors.Join(os.RemoveAll(seal(path)), os.Rename(built, path)); err != nil {
		return err
	}
	return sealUp(path)
}

var errVersion = errors.New("wrong version")

func compile(ctx context.Context, dir, path string, flags []string, packages ...string) error {
	cmd := exec.CommandContext(ctx, "go", slices.Concat([]string{"build"}, flags, []string{"-o", path}, packages)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOGC=off", "GOMEMLIMIT=1GiB") // a compiler that seldom collects is a sixth faster
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := process.Run(cmd); err != nil {
		return errors.Join(err, errors.New(strings.TrimSpace(out.String())))
	}
	return nil
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
