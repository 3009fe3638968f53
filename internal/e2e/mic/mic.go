// Package mic is a double of MIC, the controller of AAD Pod Identity's standard mode: for each pod that a binding selects it creates an
// AzureAssignedIdentity, and after a delay attaches the identity to the pod's node and says so in the status.
package mic

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/internal/pause"
)

// Machines attaches identities to nodes, as MIC does through ARM.
type Machines interface {
	Attach(node string, id credentialtest.Identity) error
	Detach(node, clientID string)
}

// Config says what [New] needs; AssignDelay and Logger may be zero.
type Config struct {
	Cluster string
	Client  dynamic.Interface
	// Core and Custom are informer factories of the cluster, started by the caller after New.
	Core   informers.SharedInformerFactory
	Custom dynamicinformer.DynamicSharedInformerFactory
	// Identity finds an identity in Azure; one that is not there stays unassigned.
	Identity func(ctx context.Context, clientID string) (credentialtest.Identity, error)
	Machines Machines
	// AssignDelay is from a pod's scheduling, which is followed by the object at once, to status Assigned. The documentation says 10 to
	// 20 s for a machine and 40 to 60 s for a scale set (https://azure.github.io/aad-pod-identity/docs/best-practices/).
	AssignDelay time.Duration
	Logger      *slog.Logger
}

// Controller is a running MIC. It is safe for concurrent use.
type Controller struct {
	cfg    Config
	wake   chan struct{}
	cancel context.CancelFunc
	done   chan struct{}

	stuck  atomic.Bool
	paused atomic.Bool

	mu   sync.Mutex
	seen map[string]time.Time // when an assignment was first wanted, by its name
}

// New starts a MIC; it begins to act when the informers have synced. Close it when done.
func New(ctx context.Context, cfg Config) (*Controller, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Controller{cfg: cfg, wake: make(chan struct{}, 1), done: make(chan struct{}), seen: map[string]time.Time{}}
	synced := []cache.InformerSynced{}
	listen := []cache.SharedIndexInformer{cfg.Core.Core().V1().Pods().Informer(), cfg.Custom.ForResource(identities).Informer(),
		cfg.Custom.ForResource(bindings).Informer(), cfg.Custom.ForResource(assigned).Informer()}
	for _, informer := range listen {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: c.poke, UpdateFunc: func(_, obj any) { c.poke(obj) }, DeleteFunc: c.poke})
		if err != nil {
			return nil, fmt.Errorf("mic: %s: %w", cfg.Cluster, err)
		}
		synced = append(synced, informer.HasSynced)
	}
	ctx, c.cancel = context.WithCancel(ctx)
	go func() {
		defer close(c.done)
		if cache.WaitForCacheSync(ctx.Done(), synced...) {
			c.run(ctx)
		}
	}()
	return c, nil
}

// LeaveStale makes MIC leave assignments behind whose pod or node is gone, as a MIC that is stuck does; false ends it.
func (c *Controller) LeaveStale(on bool) { c.stuck.Store(on); c.poke(nil) }

// Pause stops MIC, as scaling it to zero does; false starts it again.
func (c *Controller) Pause(on bool) { c.paused.Store(on); c.poke(nil) }

// Close stops MIC. What it assigned stays.
func (c *Controller) Close() {
	c.cancel()
	<-c.done
}

func (c *Controller) poke(any) {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// pace is the time from one reconciliation to the next: what changes meanwhile is taken together.
const pace = 100 * time.Millisecond

// run reconciles after changes, and while something is under way.
func (c *Controller) run(ctx context.Context) {
	for pause.For(ctx, pace) == nil {
		if !c.paused.Load() {
			pending, err := c.reconcile(ctx)
			if err != nil && ctx.Err() == nil {
				c.cfg.Logger.Debug("MIC", "cluster", c.cfg.Cluster, "error", err)
			}
			if pending || err != nil {
				continue
			}
		}
		select {
		case <-ctx.Done():
		case <-c.wake:
		}
	}
}
