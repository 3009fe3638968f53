package assets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// BuildLocal builds a main package of the module that moduleDir lies in. go's own cache, which it shares with the tests by using their
// flags, makes it a matter of seconds.
func BuildLocal(ctx context.Context, moduleDir, pkg, path string) error {
	if err := compile(ctx, moduleDir, path, []string{"-ldflags", "-s -w"}, pkg); err != nil {
		return fmt.Errorf("assets: build %s: %w", pkg, err)
	}
	return nil
}

// Local is BuildLocal for a program that many fleets need: it is linked once, kept in the cache folder for each folder of the module, and
// linked again when a source has changed, which is for go to see. path receives a file of its own name.
func Local(ctx context.Context, pkg, path string, opts *Options) error {
	o, err := opts.complete()
	if err != nil {
		return err
	}
	module, err := filepath.Abs(o.ModuleDir)
	if err != nil {
		return fmt.Errorf("assets: %w", err)
	}
	sum := sha256.Sum256([]byte(module + " " + pkg))
	dir := filepath.Join(o.CacheDir, "local", hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("assets: make the cache folder: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(dir, "lock"), o.Progress)
	if err != nil {
		return err
	}
	defer unlock()
	kept := filepath.Join(dir, filepath.Base(path))
	if err := BuildLocal(ctx, o.ModuleDir, pkg, kept); err != nil {
		return err
	}
	if err := os.Link(kept, path); err == nil {
		return nil
	}
	if err := copyFile(kept, path, 0o755); err != nil { // another file system
		return fmt.Errorf("assets: %w", err)
	}
	return nil
}

func copyFile(from, to string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
