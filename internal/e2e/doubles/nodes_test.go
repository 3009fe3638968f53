package doubles_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/wimigrate/wimigrate/internal/e2e/nodes"
	"github.com/wimigrate/wimigrate/internal/e2e/ports"
)

func TestTheOldestNodeGoesFirstAlthoughPlacesAreUsedAgain(t *testing.T) {
	subnet, err := ports.ReserveSubnet(0)
	if err != nil {
		t.Fatal(err)
	}
	defer subnet.Close()
	client := fake.NewClientset()
	pool := nodes.NewPool(client, subnet, "eastus")
	if got := pool.Oldest(); got != "" {
		t.Errorf("an empty pool has the node %s", got)
	}
	added, err := pool.Add(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	reused, place := false, nodeAddress(t, client, added[0])
	for i := range 5 { // more often than there are places
		fresh, err := pool.Add(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		added = append(added, fresh...)
		reused = reused || nodeAddress(t, client, fresh[0]) == place
		if got := pool.Oldest(); got != added[i] {
			t.Errorf("of %v, added in the order %v, %s is the oldest, want %s", pool.Names(), added, got, added[i])
		}
		if err := pool.Remove(t.Context(), added[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !reused {
		t.Error("no place was used again, so this shows nothing")
	}
}

func nodeAddress(t *testing.T, client kubernetes.Interface, name string) string {
	t.Helper()
	node, err := client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return node.Status.Addresses[0].Address
}
