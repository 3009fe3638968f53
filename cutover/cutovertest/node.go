package cutovertest

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// nmiStart is how long a new node has no NMI yet: pods on it talk to the real IMDS meanwhile.
const nmiStart = 20 * time.Second

// node is a machine, and the NMI on it.
type node struct {
	name  string
	nmi   string // UID of its NMI pod
	pods  int
	nmiAt time.Time
	gone  bool
}

func (c *Cluster) addNode(settled bool) *node {
	n := &node{name: fmt.Sprintf("node-%03d", len(c.nodes)), nmi: c.fleet.uid(), nmiAt: c.fleet.now}
	if !settled {
		n.nmiAt = c.fleet.now.Add(time.Duration(float64(nmiStart) * c.fleet.opts.Pace))
	}
	c.nodes = append(c.nodes, n)
	c.create(map[string]any{
		"apiVersion": "v1", "kind": "Node", "metadata": map[string]any{"name": n.name},
		"status": map[string]any{"conditions": []any{map[string]any{"type": "Ready", "status": "True"}}},
	}, "")
	for _, w := range c.workloads() {
		if w.kind() == "DaemonSet" {
			w.changed()
		}
	}
	return n
}

// AddNode brings in a node whose NMI is not up yet, as an autoscaler does, and returns its name.
func (c *Cluster) AddNode() string {
	c.begin()
	defer c.fleet.mu.Unlock()
	return c.addNode(false).name
}

// DropNode takes the oldest node away, with the pods on it, and returns its name; "" when one is left.
func (c *Cluster) DropNode() string {
	c.begin()
	defer c.fleet.mu.Unlock()
	return (&Script{c}).DropNode()
}

// schedule picks the node with the fewest pods.
func (c *Cluster) schedule() *node {
	var best *node
	for _, n := range c.nodes {
		if !n.gone && (best == nil || n.pods < best.pods) {
			best = n
		}
	}
	return best
}

// workloads are the workloads in an order that does not change.
func (c *Cluster) workloads() []*workload {
	out := make([]*workload, 0, len(c.sets))
	for _, w := range c.sets {
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b *workload) int { return cmp.Compare(a.uid, b.uid) })
	return out
}
