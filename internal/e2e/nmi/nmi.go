// Package nmi runs a double of NMI, the node agent of AAD Pod Identity, on every node of a test cluster. It follows the cluster as the
// real one does: NMI answers on a node while a pod of its DaemonSet runs there, and knows what informers have told it so far.
package nmi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// Ports on a node's address. The gateway stands where the node's iptables rule would send connections to 169.254.169.254; metrics are on
// NMI's own port.
const (
	GatewayPort = 2579
	MetricsPort = 9090
)

// Options are the properties of the agents that tests vary.
type Options struct {
	// NMI are NMI's flags. Entra and PodIP are set by this package.
	NMI credentialtest.NMIOptions
	// Delay is the time from NMI's pod running to NMI answering. Until then, on a node's first start, the rule is missing and pods reach
	// the node's real metadata service.
	Delay time.Duration
	// SyncLag is added to what the informers need to bring a change.
	SyncLag time.Duration
	// ScaleSet says that all nodes are one virtual machine scale set: what is attached to one node is attached to all. Default: each node
	// is a machine of its own, as with Karpenter.
	ScaleSet bool
}

// Config says what [New] needs; all fields but Options and Logger are required.
type Config struct {
	Cluster string
	// Core and Custom are informer factories of the cluster, started by the caller after New.
	Core   informers.SharedInformerFactory
	Custom dynamicinformer.DynamicSharedInformerFactory
	Entra  *credentialtest.Entra
	// Kubelet is the identity that every node has.
	Kubelet credentialtest.Identity
	Options Options
	Logger  *slog.Logger
}

// Agents are the metadata services and NMIs of all nodes of one cluster. They are safe for concurrent use.
type Agents struct {
	cfg    Config
	world  *world
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu       sync.Mutex
	delay    time.Duration
	nodes    map[string]*Node
	early    map[string]*corev1.Pod             // NMI pods whose node was not seen yet, by node
	failed   map[string]error                   // why a node has no gateway or no NMI, by node
	attached map[string]credentialtest.Identity // with ScaleSet, what all nodes have
}

// New returns the agents of a cluster, which come and go with its nodes. Close them when done.
func New(ctx context.Context, cfg Config) (*Agents, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Agents{cfg: cfg, delay: cfg.Options.Delay, nodes: map[string]*Node{}, early: map[string]*corev1.Pod{},
		failed: map[string]error{}, attached: map[string]credentialtest.Identity{}}
	a.ctx, a.cancel = context.WithCancel(ctx)
	w, err := newWorld(cfg)
	if err != nil {
		return nil, fmt.Errorf("nmi: %s: %w", cfg.Cluster, err)
	}
	a.world = w
	_, err = cfg.Core.Core().V1().Nodes().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: a.nodeSeen, UpdateFunc: func(_, obj any) { a.nodeSeen(obj) }, DeleteFunc: a.nodeGone})
	if err == nil {
		_, err = cfg.Core.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: a.podSeen, UpdateFunc: func(_, obj any) { a.podSeen(obj) }, DeleteFunc: a.podGone})
	}
	if err != nil {
		return nil, fmt.Errorf("nmi: %s: %w", cfg.Cluster, err)
	}
	return a, nil
}

// SetDelay changes [Options].Delay for NMIs that start from now on.
func (a *Agents) SetDelay(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.delay = d
}

// Node returns a node's metadata service and NMI, or an error when the agents have not seen the node.
func (a *Agents) Node(name string) (*Node, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n, ok := a.nodes[name]; ok {
		return n, nil
	}
	return nil, fmt.Errorf("nmi: %s: no node %s: %w", a.cfg.Cluster, name, errUnknownNode)
}

var errUnknownNode = errors.New("unknown node")

// Err tells which nodes have no gateway or whose NMI could not start, and why: as a rule somebody else on this machine has the port.
func (a *Agents) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for _, node := range slices.Sorted(maps.Keys(a.failed)) {
		errs = append(errs, fmt.Errorf("nmi: %s: node %s: %w", a.cfg.Cluster, node, a.failed[node]))
	}
	return errors.Join(errs...)
}

// Gateway returns where connections to the metadata service go from a node; empty for an unknown one.
func (a *Agents) Gateway(node string) string {
	n, err := a.Node(node)
	if err != nil {
		return ""
	}
	return n.Gateway()
}

// Attach attaches an identity to a node's machine, or to all with ScaleSet, as MIC does through ARM.
func (a *Agents) Attach(node string, id credentialtest.Identity) error {
	n, err := a.Node(node)
	if err != nil {
		return err
	}
	if !a.cfg.Options.ScaleSet {
		n.IMDS.Attach(id)
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attached[id.ClientID] = id
	for _, n := range a.nodes {
		n.IMDS.Attach(id)
	}
	return nil
}

// Detach takes an identity off a node's machine; an unknown node or identity is no error. With ScaleSet it stays, for the other nodes.
func (a *Agents) Detach(node, clientID string) {
	if n, err := a.Node(node); err == nil && !a.cfg.Options.ScaleSet {
		n.IMDS.Detach(clientID)
	}
}

// Bypassed counts the connections of all pods so far that reached a node's real metadata service because NMI's rule was missing.
func (a *Agents) Bypassed() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	total := 0
	for _, n := range a.nodes {
		total += n.gateway.Bypasses()
	}
	return total
}

// Close stops all agents and frees their ports.
func (a *Agents) Close() {
	a.cancel()
	a.work.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.nodes {
		n.close()
	}
}

// nodeAddress joins a node's address and a port.
func nodeAddress(host string, port int) string {
	return fmt.Sprintf("%s:%d", cmp.Or(host, "127.0.0.1"), port)
}
