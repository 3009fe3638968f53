package cutovertest

import (
	"slices"
	"time"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// Revert plays a GitOps tool that keeps the old label on a workload's template: whenever it is gone, it puts it back after a while.
func (c *Cluster) Revert(kind, namespace, name string, after time.Duration) {
	c.begin()
	defer c.fleet.mu.Unlock()
	o := c.find(kind, namespace, name)
	if o == nil {
		return
	}
	label := func(o *object) map[string]any { return child(o.data, "spec", "template", "metadata", "labels") }
	value := label(o)[podidentity.Label]
	c.agents = append(c.agents, func(seen *object) {
		if seen != o || label(o)[podidentity.Label] == value {
			return
		}
		c.fleet.after(after, func() {
			c.edit(o, "argocd-controller", func(map[string]any) { label(o)[podidentity.Label] = value })
		})
	})
}

// After lets something happen to the cluster later, on the fleet's time: a script of scale-outs, churn and faults. The function must
// use the Script it is given, not the cluster's own methods.
func (c *Cluster) After(d time.Duration, do func(s *Script)) {
	c.begin()
	defer c.fleet.mu.Unlock()
	c.fleet.after(d, func() { do(&Script{c}) })
}

// Script is the cluster as a scripted event may use it.
type Script struct{ c *Cluster }

// Scale sets the replicas of a workload.
func (s *Script) Scale(kind, namespace, name string, replicas int) {
	if o := s.c.find(kind, namespace, name); o != nil {
		if w := s.c.sets[o.uid()]; w != nil {
			w.scale(replicas)
		}
	}
}

// Edit changes an object as somebody outside the cutover would; fn gets the stored object.
func (s *Script) Edit(kind, namespace, name, manager string, fn func(object map[string]any)) {
	if o := s.c.find(kind, namespace, name); o != nil {
		s.c.edit(o, manager, fn)
	}
}

// Remove deletes an object as somebody outside the cutover would.
func (s *Script) Remove(kind, namespace, name string) {
	if o := s.c.find(kind, namespace, name); o != nil {
		s.c.remove(o)
	}
}

// AddNode brings in a node whose NMI is not up yet.
func (s *Script) AddNode() { s.c.addNode(false) }

// DropNode takes the oldest node away, with its pods, and returns its name; "" when only one is left.
func (s *Script) DropNode() string {
	i := slices.IndexFunc(s.c.nodes, func(n *node) bool { return !n.gone })
	if i < 0 || i == len(s.c.nodes)-1 {
		return ""
	}
	n := s.c.nodes[i]
	n.gone = true
	if o := s.c.find("Node", "", n.name); o != nil {
		s.c.drop(o)
	}
	for _, w := range s.c.workloads() {
		for _, p := range slices.Clone(w.pods) {
			if p.node == n {
				p.end()
			}
		}
		w.changed()
	}
	return n.name
}

// RestartNMI begins the counters of one node's NMI anew, under another UID, as after a crash.
func (s *Script) RestartNMI(node string) { s.c.restartNMI(node) }

// SetWebhook changes how the webhook behaves.
func (s *Script) SetWebhook(m WebhookMode) { s.c.webhook.mode = m }

// Again lets something happen later still.
func (s *Script) Again(d time.Duration, do func(s *Script)) { s.c.fleet.after(d, func() { do(s) }) }
