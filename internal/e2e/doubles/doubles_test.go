// Package doubles_test is the tests of a fleet's parts, the doubles, that need a real control plane or link the Kubernetes libraries. They are
// together, and most of them on one cluster, because each package of tests links those libraries anew and each cluster costs seconds.
package doubles_test

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/e2e/nmi"
)

// atOnce is how many tests run at once, which is more than go would run on a small machine: most of the time they wait for other processes.
// -parallel overrides it.
const atOnce = "8"

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked {
		if err := flag.Set("test.parallel", atOnce); err != nil {
			panic(err)
		}
	}
	debug.SetGCPercent(400)        // as the programs that the tests start
	klog.SetLogger(logr.Discard()) // client-go tells of each watch that is broken on purpose
	os.Exit(m.Run())
}

// What the shared fleet is like, so that each test on it finds what it needs:
const (
	// late is when NMI comes after a node's first pods.
	late = 2 * time.Second
	// lifetime of access tokens: each pod of the load needs new ones several times, so a source that is gone is missed. The credential
	// refreshes them after two thirds of it. For azidentity it is too short to keep a token, so it asks each time.
	lifetime = 15 * time.Second
	// period is how often most applications ask for a token, and the first pause before a container that exited is started again.
	period = 200 * time.Millisecond
)

// agents tell who has no identity so after 3 s.
var agents = credentialtest.NMIOptions{AttemptsForCreated: 3}

func TestTheDoublesOnARealControlPlane(t *testing.T) {
	t.Parallel()
	f := fleet.StartFleet(t, fleet.Spec{RotateTokens: 2 * time.Second, CrashBackOff: period, Azure: azure.Options{TokenLifetime: lifetime},
		NMI: nmi.Options{Delay: late, SyncLag: 200 * time.Millisecond, NMI: agents}})
	for _, s := range []struct {
		name string
		run  func(*testing.T, *fleet.Fleet)
	}{
		{"pods live as on real nodes", podsLive}, // while NMI is still to come
		{"pods really take tokens on both paths", bothPaths},
		{"a node whose port somebody has is told of at once", takenPorts}, // it counts on nodes that have not changed yet
		{"no token is lost while a fleet lives", fleetLives},
		{"the API server gets from the webhook what its contract says", webhookContract},
		{"pods of new nodes are told apart", podsOfNewNodes},                  // no other node takes pods afterwards
		{"a cluster runs workloads and publishes its keys", workloadsAndKeys}, // its rotation is the end of every pod's token
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, f) })
		vacate(t, f.Clusters[0])
	}
}

// vacate scales every application that has run to nothing, and returns when no process and no assignment is left: the next test finds the
// cluster as its first would.
func vacate(t *testing.T, c *fleet.Cluster) {
	t.Helper()
	var seen []string
	for _, r := range c.Reports() { // sorted by namespace
		seen = append(seen, r.Namespace)
	}
	seen = slices.Compact(seen)
	for _, namespace := range seen {
		all, err := c.Client.AppsV1().Deployments(namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all.Items {
			if err := c.Scale(t.Context(), namespace, "Deployment", d.Name, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	fleet.Await(t, "the cluster to be empty", func() (bool, error) {
		processes, assigned := count(c.Reports(), func(r kubelet.PodReport) bool { return !r.Ended }), assignments(t, c)
		if processes+len(assigned) > 0 {
			return false, fmt.Errorf("%d processes run, assignments are on %v", processes, assigned)
		}
		return true, nil
	})
}
