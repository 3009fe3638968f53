package e2e_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// common is the cluster on which those tests meet that need no other, touch nothing but namespaces of their own, and judge nothing else: a
// control plane of its own for each would take more of a small machine than the tests do. The first that asks starts it; TestMain stops it.
type common struct {
	once sync.Once
	f    *fleet.Fleet
	err  error
}

var shared common

// commonFleet returns the fleet that the test shares with others. Journals in ConfigMaps have the namespace wimigrate there, or one that
// the test makes.
func commonFleet(t *testing.T) *fleet.Fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real control planes; run without -short")
	}
	shared.once.Do(func() { shared.f, shared.err = startCommon() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.f
}

func startCommon() (*fleet.Fleet, error) {
	ctx := context.Background() // it outlives the test that starts it
	f, err := fleet.Start(ctx, fleet.Spec{Rollouts: true, Azure: azure.Options{Propagation: propagation}, Progress: os.Stderr, Name: "common"})
	if err != nil {
		return nil, err
	}
	return f, f.Clusters[0].Apply(ctx, namespaceYAML("wimigrate")+"\n---\n"+runnersAccount)
}

// stop stops the fleet, if there is one, and keeps its logs if a test failed.
func (c *common) stop(failed bool) error {
	if c.f == nil {
		return nil
	}
	if err := c.f.Err(); err != nil {
		return fmt.Errorf("%w; logs are in %s", err, c.f.Dir)
	}
	if err := c.f.Stop(); err != nil {
		return fmt.Errorf("%w; logs are in %s", err, c.f.Dir)
	}
	if failed {
		fmt.Fprintln(os.Stderr, "logs of the common fleet are in", c.f.Dir)
		return nil
	}
	return os.RemoveAll(c.f.Dir)
}

// runnersAccount is what runs plans by their own manifests.
const runnersAccount = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: wimigrate, namespace: wimigrate}}\n"

func namespaceYAML(name string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, name)
}
