package credentialtest

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// NodeState is the content of a [Node].
type NodeState struct {
	Pods       []Pod
	Assigned   []AzureAssignedIdentity
	Bindings   []AzureIdentityBinding
	Identities []AzureIdentity
	Exceptions []AzurePodIdentityException
	// Secrets holds the data of secrets by "namespace/name".
	Secrets map[string]map[string][]byte
}

// Assign sets the state of an identity for a pod, adding it if it is not there.
func (s *NodeState) Assign(podNamespace, pod string, id AzureIdentity, state string) {
	for i, a := range s.Assigned {
		if a.PodNamespace == podNamespace && a.Pod == pod && a.Identity.Namespace == id.Namespace && a.Identity.Name == id.Name {
			s.Assigned[i].Identity, s.Assigned[i].State = id, state
			return
		}
	}
	s.Assigned = append(s.Assigned, AzureAssignedIdentity{PodNamespace: podNamespace, Pod: pod, Identity: id, State: state})
}

// Node is a [Cache] in memory whose content can change at set times. It is safe
// for concurrent use.
type Node struct {
	mu     sync.Mutex
	state  NodeState
	timed  []timedChange
	broken error
}

type timedChange struct {
	at     time.Time
	change func(*NodeState)
}

// NewNode returns a node that starts out with state.
func NewNode(state NodeState) *Node { return &Node{state: state} }

// Update changes the content now. The function must not call the node.
func (n *Node) Update(change func(*NodeState)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.advance()
	change(&n.state)
}

// After changes the content d from now: the informer's lag, or the time that MIC
// takes. Nothing runs in the background; readers see every change that is due,
// in order of time.
func (n *Node) After(d time.Duration, change func(*NodeState)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.timed = append(n.timed, timedChange{time.Now().Add(d), change})
	slices.SortStableFunc(n.timed, func(a, b timedChange) int { return a.at.Compare(b.at) })
}

// AssignLater plays MIC: the identity is Created for the pod after created, and
// Assigned after assigned, both counted from now.
func (n *Node) AssignLater(podNamespace, pod string, id AzureIdentity, created, assigned time.Duration) {
	n.After(created, func(s *NodeState) { s.Assign(podNamespace, pod, id, StateCreated) })
	n.After(assigned, func(s *NodeState) { s.Assign(podNamespace, pod, id, StateAssigned) })
}

// FailExceptions makes listing exceptions fail with err until FailExceptions(nil).
func (n *Node) FailExceptions(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.broken = err
}

// advance applies what is due. The lock is held.
func (n *Node) advance() {
	now := time.Now()
	for len(n.timed) > 0 && !n.timed[0].at.After(now) {
		change := n.timed[0].change
		n.timed = n.timed[1:]
		change(&n.state)
	}
}

func pick[T any](n *Node, from func(*NodeState) []T, keep func(T) bool) []T {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.advance()
	var out []T
	for _, v := range from(&n.state) {
		if keep(v) {
			out = append(out, v)
		}
	}
	return out
}

// PodsByIP implements [Cache].
func (n *Node) PodsByIP(ip string) []Pod {
	return pick(n, func(s *NodeState) []Pod { return s.Pods }, func(p Pod) bool { return p.IP == ip })
}

// Pod implements [Cache].
func (n *Node) Pod(namespace, name string) (Pod, bool) {
	found := pick(n, func(s *NodeState) []Pod { return s.Pods }, func(p Pod) bool { return p.Namespace == namespace && p.Name == name })
	if len(found) == 0 {
		return Pod{}, false
	}
	return found[0], true
}

// Assigned implements [Cache].
func (n *Node) Assigned(podNamespace, pod string) []AzureAssignedIdentity {
	return pick(n, func(s *NodeState) []AzureAssignedIdentity { return s.Assigned },
		func(a AzureAssignedIdentity) bool { return a.PodNamespace == podNamespace && a.Pod == pod })
}

// Bindings implements [Cache].
func (n *Node) Bindings(namespace string) []AzureIdentityBinding {
	return pick(n, func(s *NodeState) []AzureIdentityBinding { return s.Bindings },
		func(b AzureIdentityBinding) bool { return b.Namespace == namespace })
}

// Identities implements [Cache].
func (n *Node) Identities(namespace string) []AzureIdentity {
	return pick(n, func(s *NodeState) []AzureIdentity { return s.Identities },
		func(id AzureIdentity) bool { return id.Namespace == namespace })
}

// Exceptions implements [Cache].
func (n *Node) Exceptions(namespace string) ([]AzurePodIdentityException, error) {
	n.mu.Lock()
	err := n.broken
	n.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return pick(n, func(s *NodeState) []AzurePodIdentityException { return s.Exceptions },
		func(e AzurePodIdentityException) bool { return e.Namespace == namespace }), nil
}

// Secret implements [Cache].
func (n *Node) Secret(namespace, name string) (map[string][]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.advance()
	data, ok := n.state.Secrets[namespace+"/"+name]
	if !ok {
		return nil, fmt.Errorf("secrets %q not found", name)
	}
	return data, nil
}
