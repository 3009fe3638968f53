package doubles_test

import (
	"maps"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// ranks is a StatefulSet that no process stands for.
const ranks = `
{apiVersion: v1, kind: Namespace, metadata: {name: ranks}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: rank, namespace: ranks}
spec:
  serviceName: ranks
  replicas: 24
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: rank}}
  template:
    metadata: {labels: {app: rank}}
    spec: {containers: [{name: rank, image: rank}]}
`

// podsOfNewNodes sees that pods are what NMI and a StatefulSet take them for: each has an address of its own, also where several are a new
// node's first, and one that is deleted goes alone, not with the next of its name.
func podsOfNewNodes(t *testing.T, f *fleet.Fleet) {
	c := f.Clusters[0]
	for _, name := range c.Nodes.Names() {
		if err := c.Nodes.Cordon(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.AddNodes(t.Context(), 8); err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(t.Context(), ranks); err != nil {
		t.Fatal(err)
	}
	first := ownAddresses(t, c)
	pods := c.Client.CoreV1().Pods("ranks")
	events, err := pods.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Stop()
	for uid, name := range first {
		if err := pods.Delete(t.Context(), name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(uid))}); err != nil {
			t.Error(err)
		}
	}
	made := map[types.UID]string{}
	for e := range events.ResultChan() { // until the last of the new ones runs
		pod, ok := e.Object.(*corev1.Pod)
		if !ok {
			t.Fatalf("%+v", e)
		}
		if first[pod.UID] == "" {
			made[pod.UID] = pod.Name
		}
		if len(made) >= len(first) && e.Type == watch.Modified && pod.Status.Phase == corev1.PodRunning {
			break
		}
	}
	second := ownAddresses(t, c)
	if len(made) != len(first) || !maps.Equal(made, second) {
		t.Errorf("for %d pods that were deleted %d were made:\n%v\nand these run, one made later still:\n%v", len(first), len(made), made, second)
	}
}

// ownAddresses waits for the pods of the StatefulSet to run, returns their names by UID, and sees that no two have one address.
func ownAddresses(t *testing.T, c *fleet.Cluster) map[types.UID]string {
	t.Helper()
	names, addresses := map[types.UID]string{}, map[string]string{}
	for _, p := range awaitRunning(t, c, "ranks", 24) {
		names[p.UID] = p.Name
		if other := addresses[p.Status.PodIP]; other != "" {
			t.Errorf("%s and %s have one address, %s on %s", p.Name, other, p.Status.PodIP, p.Spec.NodeName)
		}
		addresses[p.Status.PodIP] = p.Name
	}
	return names
}
