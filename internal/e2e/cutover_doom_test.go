package e2e_test

import (
	"context"
	"os"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
)

// doom kills its own process at a write: no deferred call, no flush, no word.
type doom struct {
	at     int64
	before bool
	seen   atomic.Int64
}

func (d *doom) write(do func() error) error {
	mine := d.seen.Add(1) == d.at
	if mine && d.before {
		die()
	}
	err := do()
	if mine {
		die()
	}
	return err
}

func die() {
	if me, err := os.FindProcess(os.Getpid()); err == nil {
		_ = me.Kill() // SIGKILL
	}
	select {}
}

type doomedCluster struct {
	cutover.Cluster
	doom *doom
}

// Write implements cutover.Cluster.
func (c doomedCluster) Write(ctx context.Context, w cutover.Write) (out *unstructured.Unstructured, err error) {
	err = c.doom.write(func() error {
		out, err = c.Cluster.Write(ctx, w)
		return err
	})
	return out, err
}

type doomedJournal struct {
	cutover.Journal
	doom *doom
}

// Save implements cutover.Journal.
func (j doomedJournal) Save(ctx context.Context, r *cutover.Record) error {
	return j.doom.write(func() error { return j.Journal.Save(ctx, r) })
}
