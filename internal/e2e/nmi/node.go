package nmi

import (
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/internal/e2e/serve"
)

// Node is one node's way to tokens: the gateway that stands for the iptables rule, NMI while it runs, and the machine's real metadata
// service. It is safe for concurrent use.
type Node struct {
	// Name is the node's name, Address its IP address.
	Name, Address string
	// IMDS is the machine's own metadata service.
	IMDS *credentialtest.IMDS

	cache   *credentialtest.Node
	options credentialtest.NMIOptions
	gateway *credentialtest.Gateway
	server  *credentialtest.Server
	current atomic.Pointer[credentialtest.NMI] // nil while NMI is not running

	mu      sync.Mutex
	pod     string // UID of the NMI pod that this NMI belongs to
	metrics *serve.Server
}

func newNode(cfg Config, name, address string) (*Node, error) {
	imds, err := credentialtest.NewIMDS(cfg.Entra, &credentialtest.IMDSOptions{UserAssigned: []credentialtest.Identity{cfg.Kubelet}})
	if err != nil {
		return nil, err
	}
	n := &Node{Name: name, Address: address, IMDS: imds, cache: credentialtest.NewNode(credentialtest.NodeState{}), options: cfg.Options.NMI}
	n.options.PodIP = nil // the source address, which is the pod's own
	n.gateway = credentialtest.NewGateway(http.HandlerFunc(n.serveNMI), imds)
	n.gateway.Bypass(true)
	n.server, err = credentialtest.Serve(n.gateway, &credentialtest.ServerOptions{Address: nodeAddress(address, GatewayPort)})
	return n, err
}

// serveNMI answers through the NMI of the moment. A connection that was made to one that has since gone is cut.
func (n *Node) serveNMI(w http.ResponseWriter, r *http.Request) {
	if current := n.current.Load(); current != nil {
		current.ServeHTTP(w, r)
		return
	}
	panic(http.ErrAbortHandler)
}

// Gateway is the address that stands for 169.254.169.254:80 on this node.
func (n *Node) Gateway() string { return n.server.Address() }

// MetricsURL is where NMI's counters are, while NMI runs.
func (n *Node) MetricsURL() string {
	return "http://" + nodeAddress(n.Address, MetricsPort) + "/metrics"
}

// Running says whether NMI answers on the node.
func (n *Node) Running() bool { return n.current.Load() != nil }

// Bypassed counts the connections that reached the real metadata service for want of NMI's rule.
func (n *Node) Bypassed() int { return n.gateway.Bypasses() }

// Kill ends NMI as SIGKILL would: its rule stays, so connections are refused until Restart.
func (n *Node) Kill() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopLocked()
	return n.server.Refuse()
}

// Restart starts NMI after Kill, with counters at zero.
func (n *Node) Restart() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.server.Up(); err != nil {
		return err
	}
	return n.startLocked()
}

// start starts NMI for a pod of its DaemonSet: the rule comes into force and the metrics page opens.
func (n *Node) start(pod string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pod != pod || n.current.Load() != nil {
		return nil // the pod went while NMI was starting
	}
	if err := n.startLocked(); err != nil {
		return err
	}
	n.gateway.Bypass(false)
	return nil
}

func (n *Node) startLocked() error {
	fresh, err := credentialtest.NewNMI(n.cache, credentialtest.InMemory(n.IMDS), &n.options)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/metrics", fresh.ServeMetrics)
	if n.metrics, err = serve.Plain(nodeAddress(n.Address, MetricsPort), "nmi metrics", mux); err != nil {
		return err
	}
	n.current.Store(fresh)
	return nil
}

// terminate ends NMI as SIGTERM does: it takes its rule away first, so pods reach the real metadata service until the next start.
func (n *Node) terminate(pod string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pod != pod {
		return
	}
	n.pod = ""
	n.gateway.Bypass(true)
	n.stopLocked()
}

// claim makes a pod of the DaemonSet the one that NMI belongs to, and says whether it was not before.
func (n *Node) claim(pod string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pod == pod {
		return false
	}
	n.pod = pod
	return true
}

func (n *Node) stopLocked() {
	n.current.Store(nil)
	if n.metrics != nil {
		n.metrics.Close()
		n.metrics = nil
	}
}

func (n *Node) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stopLocked()
	n.server.Close()
}
