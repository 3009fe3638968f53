// Package fleet starts whole fleets for tests: real control planes, the old world (Pod Identity's resources, MIC, an NMI per node), the new
// world (each API server an issuer, the mutating webhook, Entra), and pods whose processes really take tokens.
//
// A test says what it needs and gets a handle:
//
//	f := fleet.StartFleet(t, fleet.Spec{Clusters: []fleet.ClusterSpec{{Name: "aks-eastus-01", Region: "eastus", Nodes: 3}}})
//	c := f.Cluster("aks-eastus-01")
//	c.Apply(t.Context(), manifests)         // anything, as kubectl apply
//	f.Reports()                             // tokens taken, failures, path and identity of every pod
//	c.NMIMetrics()                          // NMI's counters, as an operator scrapes them
//	c.Webhook.Behave(webhook.Behaviour{Down: true})
//	f.Azure.Store(), f.Azure.Exchange()     // ARM and Entra through their real endpoints and clients
//	c.Faults.Script(…); c.FaultyREST()      // an API server that misbehaves
//
// Pods whose image starts with [workload.ImagePrefix] run as processes. Everything stops when the test ends, however it ends.
package fleet

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/nmi"
	"github.com/wimigrate/wimigrate/internal/e2e/webhook"
)

// Spec describes a fleet. The zero value of each field is its default.
type Spec struct {
	// Clusters to start; none means one, aks-eastus-01, with three nodes.
	Clusters []ClusterSpec
	// NMI are the properties of the agents on the nodes. The default answers fast: NMI looks for assignments each second.
	NMI nmi.Options
	// AssignDelay is how long MIC needs to attach an identity; 0 means 1 s, negative none.
	AssignDelay time.Duration
	// Webhook is how the mutating webhook behaves at first.
	Webhook webhook.Behaviour
	// NoPodIdentity leaves the old world out: no resources, MIC or NMI. NoWebhook leaves the webhook out.
	NoPodIdentity, NoWebhook bool
	// Rollouts adds Argo Rollouts to each cluster: its resources, and its controller. What does not ask for it need not build it.
	Rollouts bool
	// Azure shapes Entra.
	Azure azure.Options
	// RotateTokens replaces projected tokens this often; 0 means at 80 % of their life.
	RotateTokens time.Duration
	// CrashBackOff is the pause before a container that exited is started again; it doubles each time, up to 30 times itself. 0 means 1 s,
	// where kubelets take 10.
	CrashBackOff time.Duration
	// JobSeconds is how long pods of Jobs run; 0 means 5 s.
	JobSeconds int

	// Name is what the temporary folder of Dir is called by, such as a test's name; empty adds nothing.
	Name string
	// Dir receives all files; empty means a temporary folder, removed at the end unless the test failed.
	Dir string
	// ModuleDir is a folder of the end-to-end module, from which go builds; empty means the working directory.
	ModuleDir string
	// Progress is told what takes time; nil means nobody.
	Progress io.Writer
	Logger   *slog.Logger
}

// ClusterSpec describes one cluster.
type ClusterSpec struct {
	// Name is the cluster's name and its kubeconfig context.
	Name string
	// Region is an Azure region; nodes carry it as a label.
	Region string
	// Nodes is how many nodes the cluster starts with.
	Nodes int
}

func (s Spec) complete() (Spec, error) {
	if len(s.Clusters) == 0 {
		s.Clusters = []ClusterSpec{{Name: "aks-eastus-01", Region: "eastus", Nodes: 3}}
	}
	if s.AssignDelay == 0 {
		s.AssignDelay = time.Second
	}
	if s.NMI.NMI.Interval == 0 {
		s.NMI.NMI.Interval = time.Second
	}
	if s.CrashBackOff == 0 {
		s.CrashBackOff = time.Second
	}
	if s.Progress == nil {
		s.Progress = io.Discard
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	seen := map[string]bool{}
	for _, c := range s.Clusters {
		if c.Name == "" || c.Region == "" || seen[c.Name] {
			return s, fmt.Errorf("fleet: cluster %q needs a region and a name of its own", c.Name)
		}
		seen[c.Name] = true
	}
	return s, nil
}
