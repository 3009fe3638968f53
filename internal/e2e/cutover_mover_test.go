package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

const (
	moverEnv  = "WIMIGRATE_E2E_MOVER"
	moverSays = "moved "
	// moverJournals is the namespace of the journals of processes that are killed.
	moverJournals = "movers"
)

// moverOrder tells a process what to move, and when to die.
type moverOrder struct {
	Kubeconfig, Cluster, Plan, Disk string
	File, Back                      bool
	At                              int
	Before                          bool
	// World is where Azure is, for a process with the provided gates; without it gates pass whatever they see.
	World *moverWorld
}

// moved is what a process that lived has to say.
type moved struct {
	Writes int
	State  cutover.State
	Reason string
}

// TestMoverProcess is the process that the crash tests start and kill; it is no test of its own.
func TestMoverProcess(t *testing.T) {
	text := os.Getenv(moverEnv)
	if text == "" {
		t.Skip("only the crash tests run it")
	}
	var order moverOrder
	if err := json.Unmarshal([]byte(text), &order); err != nil {
		t.Fatal(err)
	}
	said, err := order.carryOut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	line, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\n%s%s\n", moverSays, line)
}

func (o moverOrder) carryOut(ctx context.Context) (moved, error) {
	plan, err := readPlan(o.Plan)
	if err != nil {
		return moved{}, err
	}
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: o.Kubeconfig}, &clientcmd.ConfigOverrides{CurrentContext: o.Cluster}).ClientConfig()
	if err != nil {
		return moved{}, err
	}
	cluster, err := cutover.NewCluster(cfg)
	if err != nil {
		return moved{}, err
	}
	var journal cutover.Journal
	if o.File {
		j, err := cutover.OpenJournal(o.Disk)
		if err != nil {
			return moved{}, err
		}
		defer j.Close()
		journal = j
	} else if journal, err = cutover.NewConfigMapJournal(map[string]cutover.Cluster{o.Cluster: cluster}, moverJournals); err != nil {
		return moved{}, err
	}
	doom := &doom{at: int64(o.At), before: o.Before}
	gates, opts := cutovertest.PassGates(), &cutover.Options{Patience: time.Minute, LowerPause: 200 * time.Millisecond}
	gates.Load, gates.LoadAgain = induceAndSee, induceAndSee
	if o.World != nil {
		if gates, opts, err = o.World.provided(o.Cluster, cluster); err != nil {
			return moved{}, err
		}
	}
	r, err := cutover.NewRunner(map[string]cutover.Cluster{o.Cluster: doomedCluster{cluster, doom}}, doomedJournal{journal, doom}, gates, opts)
	if err != nil {
		return moved{}, err
	}
	do := r.Run
	if o.Back {
		do = func(ctx context.Context, p *cutover.Plan) (*cutover.Report, error) { return r.Rollback(ctx, p) }
	}
	rep, err := do(ctx, plan)
	if err != nil || len(rep.Units) != 1 {
		return moved{}, errors.Join(err, fmt.Errorf("%d units", len(rep.Units)))
	}
	return moved{Writes: int(doom.seen.Load()), State: rep.Units[0].State, Reason: rep.Units[0].Reason}, nil
}

// induceAndSee raises the lower bound of the HPA and waits until it has acted.
func induceAndSee(ctx context.Context, t cutover.Target) cutover.Verdict {
	name := t.Unit.Workloads[0].Name
	hpa := cutover.Ref{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: t.Unit.Namespace, Name: name}
	if err := t.Induce(ctx, cutover.Induction{Object: hpa, Path: []string{"spec", "minReplicas"}, To: 4, Extra: 2}); err != nil {
		return cutover.Verdict{Gate: "load", Result: cutover.Inconclusive, Reason: err.Error()}
	}
	return cutover.Eventually(func(ctx context.Context, t cutover.Target) cutover.Verdict {
		w, err := t.Cluster.Get(ctx, t.Unit.Workloads[0].Ref)
		if err != nil {
			return cutover.Verdict{Gate: "load", Result: cutover.Inconclusive, Reason: err.Error()}
		}
		if n, _, _ := unstructured.NestedInt64(w.Object, "status", "readyReplicas"); n < 4 {
			return cutover.Verdict{Gate: "load", Result: cutover.Inconclusive, Reason: fmt.Sprintf("%d pods are ready", n)}
		}
		return cutover.Verdict{Gate: "load", Result: cutover.Pass}
	}, time.Minute, 100*time.Millisecond)(ctx, t)
}
