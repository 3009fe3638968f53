package cutovertest

import (
	"errors"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// nodeIdentity is who a pod becomes that talks to the real IMDS.
const nodeIdentity = "node"

// nmi is Pod Identity in one cluster: MIC, and an NMI on every node.
type nmi struct {
	served   map[string]map[string]int64 // by instance and pod namespace
	refused  map[string]map[string]int64 // those of them that ended in an error
	assigned map[string]bool             // identities on the scale set, by namespace/name
	stuck    bool                        // MIC does nothing
}

// token is what NMI answers a pod.
func (n *nmi) token(c *Cluster, p *pod) (string, error) {
	if p.node.nmiAt.After(c.fleet.now) {
		if p.w.app.SDK == SDKCredential {
			return "", errors.New("the token is the node's own identity: refused")
		}
		return nodeIdentity, nil
	}
	identity := n.identity(c, p)
	if n.served[p.node.nmi] == nil {
		n.served[p.node.nmi] = map[string]int64{}
	}
	n.served[p.node.nmi][p.o.ns()]++
	if identity == nil {
		n.refuse(p)
		return "", errors.New("404 no azure identity found for request clientID")
	}
	if c.fleet.opts.Mode == catalog.ModeStandard && !n.assigned[identity.ns()+"/"+identity.name()] {
		n.refuse(p)
		return "", errors.New("404 getting assigned identities for pod in ASSIGNED state failed")
	}
	client, _ := child(identity.data, "spec")["clientID"].(string)
	return client, nil
}

func (n *nmi) refuse(p *pod) {
	if n.refused[p.node.nmi] == nil {
		n.refused[p.node.nmi] = map[string]int64{}
	}
	n.refused[p.node.nmi][p.o.ns()]++
}

// identity finds the AzureIdentity that a pod's label leads to.
func (n *nmi) identity(c *Cluster, p *pod) *object {
	// The label may be taken from a live pod, so the object counts, not what the pod was born with.
	label, _ := child(p.o.data, "metadata", "labels")[podidentity.Label].(string)
	if label == "" {
		return nil
	}
	var first *object // MIC sorts bindings by name
	for _, b := range c.objects[place{podidentity.KindBinding, p.o.ns()}] {
		if child(b.data, "spec")["selector"] == label && (first == nil || b.name() < first.name()) {
			first = b
		}
	}
	if first == nil {
		return nil
	}
	return c.find(podidentity.KindIdentity, p.o.ns(), str(child(first.data, "spec"), "azureIdentity"))
}
