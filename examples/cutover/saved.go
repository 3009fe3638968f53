package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wimigrate/wimigrate/cutover"
)

// planFile is where an approved plan is kept, beside the journal, so that the same command goes on with it.
func (c config) planFile() string { return c.journal + ".plan.json" }

// choose returns the plan to work by: the one that -plan names, or the one beside the journal as long as it is under way, or a fresh one. A
// fresh scan after the first change gives another plan, which the journal refuses to run over the leavings of the first.
func (w *world) choose(ctx context.Context, c config, out io.Writer, fresh func() (*cutover.Plan, error)) (*cutover.Plan, error) {
	if c.plan != "" {
		return readPlan(c.plan)
	}
	kept, err := readPlan(c.planFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if c.aboutEarlier() && kept == nil {
		return nil, fmt.Errorf("-resume, -rollback, -thaw and -status are about a plan: there is none in %s; name it with -plan", c.planFile())
	}
	if kept != nil {
		going := c.aboutEarlier()
		if !going {
			if going, err = w.underWay(ctx, kept); err != nil {
				return nil, err
			}
		}
		if going && (c.approve || c.save == "") {
			fmt.Fprintln(out, "Going on with the plan in", c.planFile())
			return kept, nil
		}
	}
	p, err := fresh()
	if err == nil && c.approve {
		err = savePlan(c.planFile(), p)
	}
	return p, err
}

// underWay reports whether the journal holds a unit of the plan, and not all of them have come to their end.
func (w *world) underWay(ctx context.Context, p *cutover.Plan) (bool, error) {
	records, err := w.journal.List(ctx)
	if err != nil {
		return false, err
	}
	begun, ended := 0, 0
	for _, r := range records {
		if r.Plan == p.Digest && p.Unit(r.Unit) != nil {
			begun++
			if r.State == cutover.Done || r.State == cutover.RolledBack {
				ended++
			}
		}
	}
	return begun > 0 && ended < len(p.Units), nil
}

func readPlan(file string) (*cutover.Plan, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return cutover.ReadPlan(f)
}

// keep writes the files that the flags ask for: the plan, and what it needs to be allowed.
func (c config) keep(p *cutover.Plan, out io.Writer) error {
	if c.save != "" {
		if err := savePlan(c.save, p); err != nil {
			return err
		}
		fmt.Fprintln(out, "Saved the plan to", c.save)
	}
	if c.rbac == "" {
		return nil
	}
	if err := os.MkdirAll(c.rbac, 0o755); err != nil {
		return err
	}
	for _, cluster := range p.Clusters {
		manifest, err := p.RBAC(cluster.Name, &cutover.RBACOptions{Journal: c.namespace})
		if err != nil {
			return err
		}
		file := filepath.Join(c.rbac, cluster.Name+".yaml")
		if err := os.WriteFile(file, manifest, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(out, "Wrote what the service account wimigrate of namespace wimigrate needs in %s to %s\n", cluster.Name, file)
	}
	return nil
}

// savePlan writes the whole plan or nothing.
func savePlan(file string, p *cutover.Plan) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".plan-*")
	if err != nil {
		return err
	}
	if err = errors.Join(p.Encode(f), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
