// Package load plays the life of a fleet while something else is being tested: scale-outs, rolling deployments, nodes that come with a late
// NMI and go with stale assignments, and workloads that scale to zero and back. Scripts are seeded, so that a run can be repeated.
package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/objects"
	"github.com/wimigrate/wimigrate/internal/pause"
)

// Target is a Deployment under load; Autoscaler, when set, is its HorizontalPodAutoscaler.
type Target struct {
	Namespace, Deployment, Autoscaler string
}

// Action is one thing that happens to a cluster. It returns when the change was made, not when its effects are over.
type Action func(ctx context.Context, c *fleet.Cluster) error

// ScaleOut raises the lower bound of the target's autoscaler, which acts without metrics; without one it scales the Deployment.
func ScaleOut(t Target, replicas int) Action {
	return func(ctx context.Context, c *fleet.Cluster) error {
		if t.Autoscaler != "" {
			return c.SetMinReplicas(ctx, t.Namespace, t.Autoscaler, replicas)
		}
		return c.Scale(ctx, t.Namespace, "Deployment", t.Deployment, replicas)
	}
}

// ScaleToZero scales the Deployment to nothing, as KEDA does with its own replicas field.
func ScaleToZero(t Target) Action {
	return func(ctx context.Context, c *fleet.Cluster) error {
		return c.Scale(ctx, t.Namespace, "Deployment", t.Deployment, 0)
	}
}

// Roll starts a rolling deployment: the pod template gets a new annotation, as `kubectl rollout restart` writes it.
func Roll(t Target) Action {
	return func(ctx context.Context, c *fleet.Cluster) error {
		patch := fmt.Appendf(nil, `{"spec":{"template":{"metadata":{"annotations":{"e2e/rolled":%q}}}}}`, time.Now().Format(time.RFC3339Nano))
		_, err := c.Client.AppsV1().Deployments(t.Namespace).Patch(ctx, t.Deployment, types.StrategicMergePatchType, patch,
			metav1.PatchOptions{FieldManager: objects.Owner})
		if err != nil {
			return fmt.Errorf("load: roll %s/%s: %w", t.Namespace, t.Deployment, err)
		}
		return nil
	}
}

// AddNodes adds nodes whose NMI answers only after the delay.
func AddNodes(n int, late time.Duration) Action {
	return func(ctx context.Context, c *fleet.Cluster) error {
		if c.NMI != nil {
			c.NMI.SetDelay(late)
		}
		return c.AddNodes(ctx, n)
	}
}

// ReplaceNode adds a node and takes the oldest one away. With stale, MIC leaves behind what it had assigned there, until Tidy.
func ReplaceNode(late time.Duration, stale bool) Action {
	return func(ctx context.Context, c *fleet.Cluster) error {
		if err := AddNodes(1, late)(ctx, c); err != nil {
			return err
		}
		if c.MIC != nil && stale {
			c.MIC.LeaveStale(true)
		}
		return c.Nodes.Remove(ctx, c.Nodes.Oldest())
	}
}

// Tidy has MIC take away what it left behind.
func Tidy() Action {
	return func(_ context.Context, c *fleet.Cluster) error {
		if c.MIC != nil {
			c.MIC.LeaveStale(false)
		}
		return nil
	}
}

// Script is actions with the pauses before them.
type Script struct {
	// Actions are taken in order; with Random, in an order drawn from the seed, again and again until the context ends.
	Actions []Action
	// Pause is waited before each action, varied by half of itself either way.
	Pause  time.Duration
	Random bool
	Seed   uint64
}

// Run plays the script on a cluster and says how many actions were taken. The end of the context ends it without an error.
func (s Script) Run(ctx context.Context, c *fleet.Cluster) (taken int, err error) {
	if len(s.Actions) == 0 {
		return 0, errors.New("load: a script needs actions")
	}
	random := rand.New(rand.NewPCG(s.Seed, 0x10ad))
	for ctx.Err() == nil && (s.Random || taken < len(s.Actions)) {
		next := taken % len(s.Actions)
		if s.Random {
			next = random.IntN(len(s.Actions))
		}
		err := pause.For(ctx, s.Pause/2+time.Duration(random.Float64()*float64(s.Pause)))
		if err == nil {
			err = s.Actions[next](ctx, c)
		}
		if err == nil {
			taken++
		} else if ctx.Err() == nil {
			return taken, err
		}
	}
	return taken, nil
}
