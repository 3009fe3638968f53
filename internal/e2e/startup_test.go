package e2e_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
)

// The article's first failure mode: a scale-out onto new nodes, whose NMI comes 20 s after the pods and whose identities come after that.
// Half of the pods use the bare SDK and half this project's credential; all else is equal.
func TestTheStartUpRaceOfAScaleOutCostsTheCredentialNoToken(t *testing.T) {
	inTurn(t, middling)
	const pods, late = 200, 20 * time.Second
	f := fleet.StartFleet(t, fleet.Spec{Clusters: []fleet.ClusterSpec{{Name: "aks-eastus-01", Region: "eastus", Nodes: 1}}, AssignDelay: late + 3*time.Second})
	c := f.Clusters[0]
	apps := map[string]app.App{}
	for _, kind := range []string{workload.Wimigrate, workload.Azidentity} { // names differ: a selector matches pods of any namespace
		apps[kind] = app.App{Namespace: kind, Name: kind, Identity: f.Identity("rg-web", "id-"+kind), OnPodIdentity: true,
			Credential: kind, Period: 2 * time.Second, MaxReplicas: pods / 2, Replicas: 1}
		if err := c.Apply(t.Context(), apps[kind].YAML()); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.AwaitNMI(t.Context()); err != nil {
		t.Fatal(err)
	}

	fleet.Await(t, "the first replicas to run", func() (bool, error) { return len(c.Reports()) == len(apps), nil })
	before, bypassed := c.Nodes.Names(), c.NMI.Bypassed()
	for _, name := range before {
		if err := c.Nodes.Cordon(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	c.NMI.SetDelay(late)
	if err := c.AddNodes(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	for kind := range apps {
		if err := c.SetMinReplicas(t.Context(), kind, kind, pods/2); err != nil {
			t.Fatal(err)
		}
	}
	fleet.Await(t, fmt.Sprintf("%d pods to have taken three tokens each", pods), func() (bool, error) {
		all := c.Reports()
		taking := count(all, func(r kubelet.PodReport) bool { return r.Taken >= 3 })
		if taking < pods {
			return false, fmt.Errorf("%d of %d processes take tokens", taking, len(all))
		}
		return true, nil
	})

	// The premise: where all pods but the first of each kind began, there was nothing but the machine's own metadata service.
	bypassed = c.NMI.Bypassed() - bypassed
	t.Logf("%d connections of %d new pods found no NMI", bypassed, pods-2)
	if bypassed < pods/2 {
		t.Error("NMI was not late: most pods never met its absence")
	}
	t.Logf("%-12s %6s %8s %8s %7s %s", "credential", "pods", "tokens", "failed", "wrong", "pods that saw a failure; first tokens: median, slowest")
	failed := map[string]int{}
	for _, kind := range []string{workload.Azidentity, workload.Wimigrate} {
		mine := slices.DeleteFunc(c.Reports(), func(r kubelet.PodReport) bool { return r.Namespace != kind })
		s := summarise(mine)
		failed[kind] = s.failed
		t.Logf("%-12s %6d %8d %8d %7d %d; %s, %s", kind, len(mine), s.taken, s.failed, s.wrong, s.unlucky, s.median.Round(time.Millisecond), s.slowest.Round(time.Millisecond))
		if n := count(mine, func(r kubelet.PodReport) bool { return slices.Contains(before, r.Node) }); n != 1 {
			t.Errorf("%s: %d pods run on nodes that were there before, want the first replica", kind, n)
		}
		if len(mine) != pods/2 || s.wrong > 0 || s.broken != "" {
			t.Errorf("%s: %d pods, %d wrong identities, %s", kind, len(mine), s.wrong, s.broken)
		}
	}
	if failed[workload.Wimigrate] != 0 {
		t.Errorf("the credential lost %d tokens", failed[workload.Wimigrate])
	}
	if failed[workload.Azidentity] == 0 {
		t.Error("the bare SDK lost no token, so there was no race to survive")
	}
}

type summary struct {
	taken, failed, wrong, unlucky int
	median, slowest               time.Duration // of the first tokens
	broken                        string
}

func summarise(reports []kubelet.PodReport) (s summary) {
	var first []time.Duration
	for _, r := range reports {
		s.taken += r.Taken
		s.failed += r.Failed
		s.wrong += r.Wrong
		first = append(first, r.FirstToken)
		if r.Failed > 0 {
			s.unlucky++
		}
		if r.Broken != "" {
			s.broken = r.Broken
		}
	}
	if slices.Sort(first); len(first) > 0 {
		s.median, s.slowest = first[len(first)/2], first[len(first)-1]
	}
	return s
}

func count(all []kubelet.PodReport, match func(kubelet.PodReport) bool) int {
	n := 0
	for _, r := range all {
		if match(r) {
			n++
		}
	}
	return n
}
