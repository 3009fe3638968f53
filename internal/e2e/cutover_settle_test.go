package e2e_test

import (
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// settle puts the applications into the clusters and waits until they live on Pod Identity. It returns how many tokens are to be taken.
func settle(t *testing.T, f *fleet.Fleet) ([]resident, int) {
	t.Helper()
	east, west := f.Clusters[0], f.Clusters[1]
	web := newResident(f, east, "Deployment", "web", 3, 200*time.Millisecond)
	web.MaxReplicas, web.Job = 20, true
	front := newResident(f, east, "Rollout", "front", 2, 200*time.Millisecond)
	front.MaxReplicas, front.Steps = 20, halfAndOn()
	all := []resident{web, front, newResident(f, west, "StatefulSet", "ledger", 3, 200*time.Millisecond)} // a wave of one, and one of two
	tokens := 1000
	if full() {
		all, tokens = dozen(f), 50_000
	}
	for _, c := range f.Clusters {
		if err := c.AwaitNMI(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range all {
		r.deploy(t)
	}
	awaitResidents(t, all)
	return all, tokens
}
