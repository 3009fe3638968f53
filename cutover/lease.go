package cutover

import (
	"context"
	"hash/fnv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// A lease is renewed at a calm pace, for a thousand units may wait in a cluster at a time: they cost about four requests a second. One that
// is missed does not end it.
const (
	leaseFor   = 10 * time.Minute
	leaseEvery = 4 * time.Minute
	// leaseWithin bounds one write of a lease: nobody waits long for a courtesy.
	leaseWithin = 10 * time.Second
)

// An Announcer is a [Journal] that can tell people and dashboards who works on a unit, while it does. That is a courtesy: what keeps two
// runners apart is Save, and a runner that cannot announce itself works all the same. [ConfigMapJournal] is one.
type Announcer interface {
	// Announce says that the actor works on the unit, and goes on saying so, unless somebody else changes what it says, until the
	// returned function is called, which takes it back. Neither takes long.
	Announce(ctx context.Context, k Key, actor string) (end func())
}

var _ Announcer = (*ConfigMapJournal)(nil)

// Announce implements Announcer by a Lease of the name of the unit's ConfigMap. It lasts 10 minutes and is renewed every 4, as long as nobody
// else has written it; a holder in one that is over is a process that died, or whose lease somebody has touched.
func (j *ConfigMapJournal) Announce(ctx context.Context, k Key, actor string) (end func()) {
	c, err := j.cluster(k.Cluster)
	if err != nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // who is told to stop still has things to clear up
	l := &lease{cluster: c, ref: j.ref(k), actor: actor}
	l.ref.APIVersion, l.ref.Kind = "coordination.k8s.io/v1", "Lease"
	l.write(ctx, actor)
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.keep(ctx, k)
	}()
	return func() {
		cancel()
		<-done
		if l.version != "" { // of one that we do not know to be ours nothing is taken back: it ends by itself
			l.write(context.WithoutCancel(ctx), "")
		}
	}
}

// lease is one Lease that is ours, as far as we know.
type lease struct {
	cluster Cluster
	ref     Ref
	actor   string
	// version is what our last write has made; "" where we do not know. A write is guarded by it: who has taken the unit over has taken the
	// lease over as well, and keeps it.
	version string
	lost    bool
}

// keep renews the lease until ctx ends. Units that begin together do not renew together.
func (l *lease) keep(ctx context.Context, k Key) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(k.Unit))
	delay := leaseEvery/2 + leaseEvery/2*time.Duration(h.Sum32()%64)/64
	for pause.For(ctx, delay) == nil {
		l.write(ctx, l.actor)
		delay = leaseEvery
	}
}

// write names the holder, or nobody.
func (l *lease) write(ctx context.Context, holder string) {
	if l.lost {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leaseWithin)
	defer cancel()
	spec := map[string]any{
		"holderIdentity": holder, "leaseDurationSeconds": int64(leaseFor / time.Second), "renewTime": time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00"),
	}
	if holder == "" { // as client-go does it: one that is free is over at once
		delete(spec, "holderIdentity")
		spec["leaseDurationSeconds"] = int64(1)
	}
	live, err := l.cluster.Write(ctx, Write{Verb: Apply, Ref: l.ref, ResourceVersion: l.version, Body: mustJSON(map[string]any{
		"apiVersion": l.ref.APIVersion, "kind": l.ref.Kind, "metadata": map[string]any{"name": l.ref.Name, "namespace": l.ref.Namespace}, "spec": spec,
	})})
	switch {
	case err == nil && live != nil:
		l.version = live.GetResourceVersion()
	case apierrors.IsConflict(err) && l.version != "":
		l.lost = true
	default:
		l.version = "" // it may have been written, or not
	}
}

// announce tells who works on the unit, where the journal can.
func (u *unitRun) announce(ctx context.Context) {
	if a, ok := u.r.journal.(Announcer); ok {
		u.quit = a.Announce(ctx, u.rec.Key, u.rec.Actor)
	}
}

// withdraw takes back what announce has said, when what is still being written is written. The unit of whoever was fenced off is another's, who
// has said so of himself.
func (u *unitRun) withdraw() {
	if u == nil {
		return
	}
	u.notes.Wait()
	if u.quit != nil {
		u.quit()
	}
}
