package cutover_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// newHostile makes a fleet, and what will happen to it, by a seed.
func newHostile(t *testing.T, seed uint64) *hostile {
	h := &hostile{
		t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 0x6f737469)), journal: cutovertest.NewJournal(), stuck: map[string]bool{},
		takes: map[string]bool{}, published: map[string]uint64{},
		faults: cutovertest.NewFaults(seed, nil),
	}
	mode := catalog.ModeStandard
	if h.chance(30) {
		mode = catalog.ModeManaged
	}
	h.inOps = h.chance(30)
	h.fleet = cutovertest.New(&cutovertest.Options{Seed: seed, Mode: mode, TokenEvery: 4 * time.Minute})
	regions := []string{"eastus", "westeurope"}[:1+h.rng.IntN(2)]
	units := 1 + h.rng.IntN(2)
	var apps []cutovertest.App
	for i := range units {
		apps = append(apps, h.app(i))
	}
	for _, region := range regions {
		c := h.fleet.AddCluster("aks-"+region+"-01", region, 3+h.rng.IntN(3))
		for _, a := range apps {
			c.Deploy(a)
			breatheIn(c, a, 9)
		}
	}
	settle(t)
	h.fleet.ResetTally()
	limits := cutover.Limits{}
	if h.chance(40) {
		limits.InducePods = 20
	}
	opts := &cutover.PlanOptions{Soak: 90 * time.Minute, Limits: limits}
	h.declare(apps, opts)
	h.plan = planFor(t, h.fleet, opts)
	h.guard = cutovertest.NewGuard(h.fleet, h.plan)
	for _, region := range regions {
		h.trouble(h.fleet.Cluster("aks-"+region+"-01"), apps)
	}
	return h
}

// app is a workload of some kind.
func (h *hostile) app(i int) cutovertest.App {
	kinds := []string{"Deployment", "Deployment", "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Rollout"}
	a := cutovertest.App{Namespace: fmt.Sprintf("team-%d", i), Name: "web", Kind: kinds[h.rng.IntN(len(kinds))], Replicas: 2 + h.rng.IntN(4)}
	a.HPA = a.Kind == "Deployment" && h.chance(40)
	a.OnDelete = (a.Kind == "StatefulSet" || a.Kind == "DaemonSet") && h.chance(30)
	if h.chance(10) {
		a.SDK = cutovertest.SDKOld
		h.stuck[a.Namespace] = true
	}
	if a.Kind == "Deployment" && h.chance(15) {
		a.Labels = map[string]string{"kustomize.toolkit.fluxcd.io/name": a.Namespace, "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
	}
	return a
}

// declare has some applications moved by a strategy that fits them.
func (h *hostile) declare(apps []cutovertest.App, opts *cutover.PlanOptions) {
	rng := rand.New(rand.NewPCG(h.seed, 0x73747261)) // its own, so that the world of a seed does not depend on it
	by := map[string]cutover.Strategy{}
	for _, a := range apps {
		holds := a.Kind == "Deployment" && a.Labels == nil || a.Kind == "StatefulSet" && !a.OnDelete && a.Replicas > 2
		switch dice := rng.IntN(100); {
		case a.SDK == cutovertest.SDKOld && dice < 60:
			by[a.Namespace] = cutover.Strategy{Sidecar: true} // and it stays stuck: NMI alone can tell, and its nodes leave
		case a.SDK == cutovertest.SDKOld:
		case dice < 10:
			by[a.Namespace] = cutover.Strategy{Sidecar: true}
			h.stuck[a.Namespace] = true
		case dice < 40 && holds:
			by[a.Namespace] = cutover.Strategy{SingleRollout: true}
		}
	}
	opts.Strategy = func(u cutover.Unit) cutover.Strategy { return by[u.Namespace] }
	opts.Attest = func(u cutover.Unit, _ cutover.Workload) cutover.Attestation {
		if by[u.Namespace].SingleRollout {
			return cutover.AttestDeclared
		}
		return cutover.AttestUnknown
	}
}

// breatheIn lets a workload scale out and in again, for ever, as it does under a daily load; and nodes come and go.
func breatheIn(c *cutovertest.Cluster, a cutovertest.App, high int) {
	var out func(s *cutovertest.Script)
	out = func(s *cutovertest.Script) {
		s.AddNode()
		s.Scale(a.Kind, a.Namespace, a.Name, high)
		s.Again(9*time.Minute, func(s *cutovertest.Script) {
			s.Scale(a.Kind, a.Namespace, a.Name, max(a.Replicas, 1))
			s.DropNode()
			s.Again(6*time.Minute, out)
		})
	}
	c.After(time.Minute, out)
}

// trouble scripts what others do to a cluster over the next hours.
func (h *hostile) trouble(c *cutovertest.Cluster, apps []cutovertest.App) {
	within := func() time.Duration { return time.Duration(h.rng.Int64N(int64(8 * time.Hour))) }
	for range h.rng.IntN(4) {
		modes := []cutovertest.WebhookMode{cutovertest.WebhookDown, cutovertest.WebhookHalf, cutovertest.WebhookIgnored, cutovertest.WebhookWrong, cutovertest.WebhookSlow}
		mode, lasts := modes[h.rng.IntN(len(modes))], time.Duration(h.rng.Int64N(int64(20*time.Minute)))
		c.After(within(), func(s *cutovertest.Script) {
			s.SetWebhook(mode)
			s.Again(lasts, func(s *cutovertest.Script) { s.SetWebhook(cutovertest.WebhookUp) })
		})
	}
	for range h.rng.IntN(4) {
		node := fmt.Sprintf("node-%03d", h.rng.IntN(12))
		c.After(within(), func(s *cutovertest.Script) { s.RestartNMI(node) })
	}
	for _, a := range apps {
		for n := range h.rng.IntN(3) { // a deploy
			c.After(within(), func(s *cutovertest.Script) {
				s.Edit(a.Kind, a.Namespace, a.Name, "ci", func(o map[string]any) {
					spec := o["spec"].(map[string]any)
					if a.Kind == "CronJob" {
						spec = spec["jobTemplate"].(map[string]any)["spec"].(map[string]any)
					}
					spec["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)["version"] = fmt.Sprint(n)
				})
			})
		}
		if h.chance(50) { // somebody notes something
			c.After(within(), func(s *cutovertest.Script) {
				s.Edit("ServiceAccount", a.Namespace, a.Name, "kubectl", func(o map[string]any) {
					meta := o["metadata"].(map[string]any)
					if meta["labels"] == nil {
						meta["labels"] = map[string]any{}
					}
					meta["labels"].(map[string]any)["team"] = "payments"
				})
			})
		}
		if a.Kind == "Deployment" && a.Labels == nil && h.chance(10) {
			h.stuck[a.Namespace] = true
			c.Revert(a.Kind, a.Namespace, a.Name, time.Duration(1+h.rng.IntN(180))*time.Second)
		}
	}
}

// publish is a repository with one patch for each object, whose changes are merged and arrive after a while; one that was withdrawn before
// does not arrive.
func (h *hostile) publish(_ context.Context, p cutover.Publication) error {
	takes := strings.Contains(p.StrategicMerge, "aadpodidbinding: null")
	h.mu.Lock()
	h.takes[p.Path] = takes
	h.published[p.Path]++
	path := fnv.New64a() // units publish at the same time: how long each takes must not rest on who came first
	_, _ = path.Write([]byte(p.Path))
	rng := rand.New(rand.NewPCG(h.seed, path.Sum64()+h.published[p.Path]))
	h.mu.Unlock() // before the fleet's lock, under which commits arrive
	if !takes {
		return nil
	}
	h.fleet.Cluster(p.Cluster).After(time.Duration(1+rng.IntN(40))*time.Minute, func(s *cutovertest.Script) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if !h.takes[p.Path] {
			return
		}
		s.Edit(p.Object.Kind, p.Object.Namespace, p.Object.Name, "kustomize-controller", func(o map[string]any) {
			delete(o["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any), "aadpodidbinding")
		})
	})
	return nil
}

// calm ends all trouble but that which the apps themselves make.
func (h *hostile) calm() {
	h.faults.Stop()
	for _, c := range h.fleet.Clusters() {
		c.(*cutovertest.Cluster).SetWebhook(cutovertest.WebhookUp)
	}
	time.Sleep(9 * time.Hour) // what was scripted has happened
}
