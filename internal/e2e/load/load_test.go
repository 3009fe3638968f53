package load_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/fault"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/e2e/load"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// Two applications, one on each path, live through all that happens to a fleet. Those that use this project's credential lose no token.
func TestNoTokenIsLostWhileAFleetLives(t *testing.T) {
	f := fleet.StartFleet(t, fleet.Spec{RotateTokens: time.Second})
	c := f.Clusters[0]
	if err := c.AwaitNMI(t.Context()); err != nil {
		t.Fatal(err)
	}
	old, fresh := deploy(t, f, c, "old", false), deploy(t, f, c, "new", true)
	awaitTaking(t, c, "old", 3)
	awaitTaking(t, c, "new", 3)

	t.Run("scale-outs, rolls, new nodes with a late NMI and nodes that go", func(t *testing.T) {
		late := 2 * time.Second
		script := load.Script{Pause: time.Second, Seed: 1, Actions: []load.Action{
			load.ScaleOut(old, 6), load.ScaleOut(fresh, 6), load.AddNodes(2, late), load.Roll(old), load.Roll(fresh),
			load.ReplaceNode(late, true), load.ScaleOut(old, 10), load.ScaleOut(fresh, 10),
		}}
		if n, err := script.Run(t.Context(), c); err != nil || n != len(script.Actions) {
			t.Fatalf("%d of %d actions: %v", n, len(script.Actions), err)
		}
		awaitTaking(t, c, "old", 10)
		awaitTaking(t, c, "new", 10)
		stale(t, c)
	})
	t.Run("NMI dies on every node and comes back with its counters at zero", func(t *testing.T) {
		restartNMI(t, c)
		awaitTaking(t, c, "old", 10)
	})
	t.Run("to zero and back", func(t *testing.T) {
		zero := load.Script{Actions: []load.Action{load.ScaleToZero(fresh)}}
		if _, err := zero.Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		fleet.Await(t, "no process to be left", func() (bool, error) { return len(living(c, "new")) == 0, nil })
		if err := c.Scale(t.Context(), fresh.Namespace, "Deployment", fresh.Deployment, 4); err != nil {
			t.Fatal(err)
		}
		awaitTaking(t, c, "new", 4)
	})
	t.Run("Entra throttles, fails and hangs up", func(t *testing.T) {
		f.Azure.EntraFaults.Script(
			fault.Rule{Path: "/token", Share: 0.2, Fault: fault.Fault{Status: http.StatusTooManyRequests, RetryAfter: "1"}},
			fault.Rule{Path: "/token", Share: 0.2, Fault: fault.Fault{Status: http.StatusServiceUnavailable}},
			fault.Rule{Path: "/token", Share: 0.2, Fault: fault.Fault{ResetBefore: true}},
			fault.Rule{Path: "/token", Share: 0.2, Fault: fault.Fault{ResetAfter: true}})
		if err := c.Scale(t.Context(), fresh.Namespace, "Deployment", fresh.Deployment, 8); err != nil {
			t.Fatal(err)
		}
		awaitTaking(t, c, "new", 8)
		if len(f.Azure.EntraFaults.Events()) == 0 {
			t.Error("no fault happened")
		}
		f.Azure.EntraFaults.Script()
	})
	t.Run("the API server's proxy misbehaves for one client alone", func(t *testing.T) { faultyAPI(t, c) })

	taken := 0
	for _, r := range c.Reports() {
		taken += r.Taken
		if r.Failed > 0 || r.Wrong > 0 || r.Broken != "" {
			t.Errorf("%s/%s lost %d tokens, got %d of another identity: %s %s", r.Namespace, r.Pod, r.Failed, r.Wrong, r.LastError, r.Broken)
		}
	}
	t.Logf("%d tokens taken by %d processes", taken, len(c.Reports()))
}

// deploy creates an application on one of the two paths and, where it needs it, its trust.
func deploy(t *testing.T, f *fleet.Fleet, c *fleet.Cluster, name string, federated bool) load.Target {
	t.Helper()
	a := app.App{Namespace: name, Name: name, Identity: f.Identity("rg", "id-"+name), Replicas: 3, OnPodIdentity: !federated,
		OnWorkloadIdentity: federated, Period: 200 * time.Millisecond, Scopes: []string{"https://vault.azure.net/.default", "https://storage.azure.com/.default"}}
	if !federated {
		a.MaxReplicas = 20
	}
	if federated {
		store, err := f.Azure.Store()
		if err != nil {
			t.Fatal(err)
		}
		err = store.Put(t.Context(), a.Identity, federation.Credential{
			Name: name, Issuer: c.Issuer(), Subject: workloadid.Subject(name, name), Audience: workloadid.Audience})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Apply(t.Context(), a.YAML()); err != nil {
		t.Fatal(err)
	}
	if federated {
		return load.Target{Namespace: name, Deployment: name}
	}
	return load.Target{Namespace: name, Deployment: name, Autoscaler: name}
}

func living(c *fleet.Cluster, namespace string) []kubelet.PodReport {
	var out []kubelet.PodReport
	for _, r := range c.Reports() {
		if r.Namespace == namespace && !r.Ended {
			out = append(out, r)
		}
	}
	return out
}

// awaitTaking waits until exactly so many pods live and each of them has taken tokens.
func awaitTaking(t *testing.T, c *fleet.Cluster, namespace string, pods int) {
	t.Helper()
	fleet.Await(t, fmt.Sprintf("%d pods of %s to take tokens", pods, namespace), func() (bool, error) {
		alive := living(c, namespace)
		for _, r := range alive {
			if r.Taken < 2 {
				return false, fmt.Errorf("%s has taken %d: %s", r.Pod, r.Taken, r.LastError)
			}
		}
		if len(alive) != pods {
			return false, fmt.Errorf("%d pods live", len(alive))
		}
		return true, nil
	})
}

// stale checks that the node that went left assignments behind, as a stuck MIC does.
func stale(t *testing.T, c *fleet.Cluster) {
	t.Helper()
	dump, err := c.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, o := range dump {
		node := o.GetLabels()["nodename"]
		if o.GetKind() == "AzureAssignedIdentity" && !strings.Contains(strings.Join(c.Nodes.Names(), " "), node) {
			left++
		}
	}
	if left == 0 {
		t.Error("no stale AzureAssignedIdentity is left of the node that went")
	}
}

func restartNMI(t *testing.T, c *fleet.Cluster) {
	t.Helper()
	before, err := c.NMIRequests(t.Context(), "old")
	if err != nil || before == 0 {
		t.Fatalf("NMI has counted %d requests: %v", before, err)
	}
	for _, kill := range []bool{true, false} {
		for _, name := range c.Nodes.Names() {
			n, err := c.NMI.Node(name)
			if err == nil && kill {
				err = n.Kill()
			} else if err == nil {
				err = n.Restart()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if after, err := c.NMIRequests(t.Context(), "old"); err != nil || after >= before {
		t.Errorf("after the restart NMI has counted %d requests, before %d: %v", after, before, err)
	}
}

// faultyAPI shows that one client's view can be broken while the cluster lives on.
func faultyAPI(t *testing.T, c *fleet.Cluster) {
	c.Faults.Script(fault.Rule{Methods: []string{http.MethodGet}, Path: "/namespaces", Times: 1, Fault: fault.Fault{Status: http.StatusForbidden,
		Body: `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`}})
	broken := kubernetes.NewForConfigOrDie(c.FaultyREST())
	if _, err := broken.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{}); err == nil {
		t.Error("the proxy let the request pass")
	}
	if _, err := c.Client.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
	if l, err := broken.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{}); err != nil || len(l.Items) == 0 {
		t.Errorf("after the script the proxy is not transparent: %v", err)
	}
	c.Faults.Script(fault.Rule{Watch: true, Fault: fault.Fault{CloseWatchAfter: time.Millisecond}})
	w, err := broken.CoreV1().Namespaces().Watch(context.WithoutCancel(t.Context()), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for range w.ResultChan() { // ends when the proxy closes the watch
	}
	c.Faults.Script()
}
