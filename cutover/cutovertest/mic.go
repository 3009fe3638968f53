package cutovertest

import (
	"fmt"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// assignTime is how long MIC needs to put an identity on a VM scale set.
// https://azure.github.io/aad-pod-identity/docs/best-practices/
const (
	assignTime = 50 * time.Second
	micTime    = 2 * time.Second
)

// podStarted lets MIC assign the pod's identity, in standard mode.
func (n *nmi) podStarted(c *Cluster, p *pod) {
	if c.fleet.opts.Mode != catalog.ModeStandard || n.stuck {
		return
	}
	identity := n.identity(c, p)
	if identity == nil {
		return
	}
	key := identity.ns() + "/" + identity.name()
	wait := micTime
	if !n.assigned[key] {
		wait = assignTime
	}
	c.fleet.after(wait, func() {
		if n.stuck {
			return
		}
		n.assigned[key] = true
		if !p.over && n.identity(c, p) == identity {
			n.record(c, p, identity)
		}
	})
}

// record writes the AzureAssignedIdentity of a pod.
func (n *nmi) record(c *Cluster, p *pod, identity *object) {
	name := p.o.name() + "-" + p.o.ns() + "-" + identity.name()
	if c.find(podidentity.KindAssigned, "default", name) != nil {
		return
	}
	c.create(map[string]any{
		"apiVersion": podidentity.GroupVersion, "kind": podidentity.KindAssigned,
		"metadata": map[string]any{"name": name, "namespace": "default", "labels": map[string]any{podidentity.NodeLabel: p.node.name}},
		"spec": map[string]any{
			"pod": p.o.name(), "podNamespace": p.o.ns(), "nodename": p.node.name,
			"azureIdentityRef": map[string]any{"metadata": map[string]any{"name": identity.name(), "namespace": identity.ns()}},
		},
		"status": map[string]any{"status": podidentity.StatusAssigned},
	}, "")
}

// podEnded lets MIC drop what belonged to the pod.
func (n *nmi) podEnded(c *Cluster, p *pod) {
	n.sweep(c, func(spec map[string]any) bool { return spec["pod"] == p.o.name() && spec["podNamespace"] == p.o.ns() })
}

// bindingsChanged lets MIC drop what no binding or identity stands behind any more.
func (n *nmi) bindingsChanged(c *Cluster, o *object) {
	if o.kind() != podidentity.KindBinding && o.kind() != podidentity.KindIdentity {
		return
	}
	n.sweep(c, func(spec map[string]any) bool {
		ref := child(spec, "azureIdentityRef", "metadata")
		name, _ := ref["name"].(string)
		ns, _ := ref["namespace"].(string)
		return c.find(podidentity.KindIdentity, ns, name) == nil || !n.bound(c, ns, name)
	})
}

func (n *nmi) bound(c *Cluster, ns, identity string) bool {
	for _, b := range c.objects[place{podidentity.KindBinding, ns}] {
		if child(b.data, "spec")["azureIdentity"] == identity {
			return true
		}
	}
	return false
}

func (n *nmi) sweep(c *Cluster, stale func(spec map[string]any) bool) {
	if len(c.objects[place{podidentity.KindAssigned, "default"}]) == 0 {
		return
	}
	c.fleet.after(micTime, func() {
		if n.stuck {
			return
		}
		for _, a := range c.objects[place{podidentity.KindAssigned, "default"}] {
			if stale(child(a.data, "spec")) {
				c.drop(a)
			}
		}
		n.unassign(c)
	})
}

// unassign takes identities off the scale set that no pod uses any more, as MIC does unless it was told to keep them.
// https://azure.github.io/aad-pod-identity/docs/configure/feature_flags/#immutable-user-msis-flag
func (n *nmi) unassign(c *Cluster) {
	used := map[string]bool{}
	for _, a := range c.objects[place{podidentity.KindAssigned, "default"}] {
		ref := child(a.data, "spec", "azureIdentityRef", "metadata")
		used[fmt.Sprint(ref["namespace"], "/", ref["name"])] = true
	}
	for key := range n.assigned {
		if !used[key] {
			delete(n.assigned, key)
		}
	}
}

// SetMIC stops MIC, or lets it go on: then it assigns what it has missed.
func (c *Cluster) SetMIC(up bool) {
	c.begin()
	defer c.fleet.mu.Unlock()
	if c.nmi.stuck = !up; !up {
		return
	}
	for _, w := range c.workloads() {
		for _, p := range w.pods {
			if p.ready {
				c.nmi.podStarted(c, p)
			}
		}
	}
	c.nmi.sweep(c, func(map[string]any) bool { return false })
}
