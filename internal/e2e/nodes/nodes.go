// Package nodes adds and removes the nodes of a test cluster, whose addresses are loopback addresses that no other cluster uses.
package nodes

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/wimigrate/wimigrate/internal/e2e/ports"
)

// Pool is the nodes of one cluster. It is safe for concurrent use.
type Pool struct {
	client kubernetes.Interface
	subnet *ports.Subnet
	region string

	mu   sync.Mutex
	used map[int]string // node names by place in the subnet
	next int            // for names, which are never used twice
}

// NewPool returns an empty pool.
func NewPool(client kubernetes.Interface, subnet *ports.Subnet, region string) *Pool {
	return &Pool{client: client, subnet: subnet, region: region, used: map[int]string{}}
}

// Add creates n nodes and returns their names. A node is Ready once kwok has seen it.
func (p *Pool) Add(ctx context.Context, n int) ([]string, error) {
	var names []string
	for range n {
		node, err := p.reserve()
		if err != nil {
			return names, err
		}
		if _, err := p.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return names, fmt.Errorf("nodes: add %s: %w", node.Name, err)
		}
		names = append(names, node.Name)
	}
	return names, nil
}

func (p *Pool) reserve() (*corev1.Node, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for place := range ports.MaxNodes {
		if _, taken := p.used[place]; taken {
			continue
		}
		name := fmt.Sprintf("aks-pool1-%08d-vmss%06d", len(p.region)*7919, p.next)
		p.next++
		p.used[place] = name
		return p.node(name, place), nil
	}
	return nil, fmt.Errorf("nodes: a cluster has room for %d nodes", ports.MaxNodes)
}

func (p *Pool) node(name string, place int) *corev1.Node {
	size := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("64"), corev1.ResourceMemory: resource.MustParse("256Gi"),
		corev1.ResourcePods: *resource.NewQuantity(ports.MaxPodsPerNode, resource.DecimalSI),
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"kwok.x-k8s.io/node": "fake"}, Labels: map[string]string{
			corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
			corev1.LabelTopologyRegion: p.region, "kubernetes.azure.com/agentpool": "pool1",
		}},
		Spec: corev1.NodeSpec{
			PodCIDR: p.subnet.Pods(place), PodCIDRs: []string{p.subnet.Pods(place)},
			ProviderID: "azure:///subscriptions/none/virtualMachineScaleSets/" + name,
		},
		Status: corev1.NodeStatus{Capacity: size, Allocatable: size, Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: p.subnet.Node(place)}, {Type: corev1.NodeHostName, Address: name}}},
	}
}

// Remove deletes a node and the pods on it, as an autoscaler does once a node's machine is gone.
func (p *Pool) Remove(ctx context.Context, name string) error {
	if err := p.client.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("nodes: remove %s: %w", name, err)
	}
	pods, err := p.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + name})
	if err != nil {
		return fmt.Errorf("nodes: remove %s: %w", name, err)
	}
	for _, pod := range pods.Items {
		at := metav1.DeleteOptions{GracePeriodSeconds: new(int64), Preconditions: metav1.NewUIDPreconditions(string(pod.UID))}
		_ = p.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, at)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for place, n := range p.used {
		if n == name {
			delete(p.used, place)
		}
	}
	return nil
}

// Cordon keeps new pods off a node.
func (p *Pool) Cordon(ctx context.Context, name string) error {
	_, err := p.client.CoreV1().Nodes().Patch(ctx, name, types.MergePatchType, []byte(`{"spec":{"unschedulable":true}}`), metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("nodes: cordon %s: %w", name, err)
	}
	return nil
}

// Oldest is the node that was added before all others that are left; empty without any.
func (p *Pool) Oldest() string {
	names := p.Names()
	if len(names) == 0 {
		return ""
	}
	return slices.Min(names) // they count up
}

// Names are the pool's nodes in the order of their places, which says nothing of their age: a place that a node left is used again.
func (p *Pool) Names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for place := range ports.MaxNodes {
		if n, ok := p.used[place]; ok {
			names = append(names, n)
		}
	}
	return names
}
