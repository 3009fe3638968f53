package cutover

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

const (
	// leastLoadPods and loadNodes are the least scale-out that says something: new nodes are where Pod Identity breaks.
	leastLoadPods = 5
	loadNodes     = 3
)

// nodeSet are the nodes that were there when the window opened.
type nodeSet struct {
	known map[string]bool
	// eligible says on how many of them a workload's pod can run.
	eligible map[string]int
}

// readNodes lists the nodes, and counts those that each workload can run on: schedulable, matched by its nodeSelector, tolerated.
func (r *loadRun) readNodes(ctx context.Context) (nodeSet, error) {
	out := nodeSet{known: map[string]bool{}, eligible: map[string]int{}}
	items, err := list(ctx, r.t.Cluster, Selection{APIVersion: "v1", Kind: "Node"})
	if err != nil {
		return out, fmt.Errorf("the nodes cannot be read: %w", err)
	}
	templates := map[string]corev1.PodSpec{}
	for _, w := range r.t.Workloads {
		live, err := readWorkload(ctx, r.t.Cluster, w)
		if err != nil {
			return out, fmt.Errorf("%s cannot be read: %w", w, err)
		}
		templates[w.String()] = live.template.Spec
	}
	for _, item := range items {
		var node corev1.Node
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(item.Object, &node); err != nil {
			return out, fmt.Errorf("node %s cannot be read: %w", item.GetName(), err)
		}
		out.known[node.Name] = true
		for name, spec := range templates {
			if takesPod(&node, spec) {
				out.eligible[name]++
			}
		}
	}
	return out, nil
}

func takesPod(n *corev1.Node, spec corev1.PodSpec) bool {
	if n.Spec.Unschedulable {
		return false
	}
	for k, v := range spec.NodeSelector {
		if n.Labels[k] != v {
			return false
		}
	}
	for _, taint := range n.Spec.Taints {
		if taint.Effect != corev1.TaintEffectPreferNoSchedule && !tolerated(taint, spec.Tolerations) {
			return false
		}
	}
	return true
}

// tolerated follows the API's rules for the operators Exists and Equal.
// https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
func tolerated(taint corev1.Taint, by []corev1.Toleration) bool {
	for _, t := range by {
		if t.Effect != "" && t.Effect != taint.Effect || t.Key != "" && t.Key != taint.Key {
			continue
		}
		if t.Operator == corev1.TolerationOpExists || t.Key != "" && t.Value == taint.Value && (t.Operator == "" || t.Operator == corev1.TolerationOpEqual) {
			return true
		}
	}
	return false
}

// requirement is how many pods on how many nodes a workload's scale-out must bring.
func (r *loadRun) requirement(y *loadTally) (pods, nodes int) {
	if y.w.Kind == "CronJob" || y.w.Kind == "DaemonSet" || comesByRuns(y.w.Kind) && r.o.birthsOnly {
		return 1, 1
	}
	pods = r.o.Pods
	if pods == 0 {
		pods = max(leastLoadPods, int(y.opening+1)/2)
	}
	nodes = r.o.Nodes
	if nodes == 0 {
		nodes = min(loadNodes, r.nodes.eligible[y.w.String()])
	}
	return max(pods, 1), min(max(nodes, 1), max(pods, 1))
}

// newNodes names the nodes of some pods that joined within the window.
func (r *loadRun) newNodes(births []*birth) (on, fresh []string) {
	seen := map[string]bool{}
	for _, b := range births {
		node := b.pod.Spec.NodeName
		if node == "" || seen[node] {
			continue
		}
		seen[node] = true
		on = append(on, node)
		if !r.nodes.known[node] {
			fresh = append(fresh, node)
		}
	}
	return on, fresh
}

func names(list []string) string { return strings.Join(list, ", ") }
