package doubles_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/internal/e2e/fault"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/e2e/nmi"
	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// assignments are the nodes of all AzureAssignedIdentities.
func assignments(t *testing.T, c *fleet.Cluster) (nodes []string) {
	t.Helper()
	kind, err := c.Objects.Kind(schema.FromAPIVersionAndKind(podidentity.GroupVersion, "AzureAssignedIdentity"), metav1.NamespaceAll)
	if err != nil {
		t.Fatal(err)
	}
	all, err := kind.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all.Items {
		nodes = append(nodes, o.GetLabels()["nodename"])
	}
	return nodes
}

// stale counts the assignments that nodes left behind which went, as a stuck MIC has them.
func stale(t *testing.T, c *fleet.Cluster) int {
	t.Helper()
	return len(slices.DeleteFunc(assignments(t, c), func(node string) bool { return slices.Contains(c.Nodes.Names(), node) }))
}

// restartNMI keeps NMI down on all nodes until a pod has asked for a new token in vain.
func restartNMI(t *testing.T, c *fleet.Cluster) {
	t.Helper()
	before, err := c.NMIRequests(t.Context(), "old")
	if err != nil || before == 0 {
		t.Fatalf("NMI has counted %d requests: %v", before, err)
	}
	everywhere := func(do func(*nmi.Node) error) {
		for _, name := range c.Nodes.Names() {
			n, err := c.NMI.Node(name)
			if err == nil {
				err = do(n)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	everywhere((*nmi.Node).Kill)
	var missed []kubelet.PodReport
	fleet.Await(t, "NMI to be missed", func() (bool, error) {
		missed = slices.DeleteFunc(living(c, "old"), func(r kubelet.PodReport) bool { return status(t, r).Failures == 0 })
		return len(missed) > 0, nil
	})
	everywhere((*nmi.Node).Restart)
	fleet.Await(t, "those who missed it to be served by the new NMI", func() (bool, error) {
		for _, r := range missed {
			if s := status(t, r); s.Failures > 0 {
				return false, fmt.Errorf("%s: %+v", r.Pod, s.LastFailure)
			}
		}
		after, err := c.NMIRequests(t.Context(), "old")
		return after > 0 && after < before, err
	})
	awaitTokens(t, c, "old", 10, 2)
}

// status is what a pod's credential tells of itself.
func status(t *testing.T, r kubelet.PodReport) (s credential.Status) {
	t.Helper()
	getJSON(t, http.DefaultClient, r.StatusURL, &s)
	return s
}

// rotated waits until Entra has given tokens for two assertions of one pod: those that it has seen since no other pod of the service account
// is left.
func rotated(t *testing.T, f *fleet.Fleet, name string) {
	fleet.Await(t, "a second assertion", func() (bool, error) {
		var since time.Time
		for _, r := range reports(f.Clusters[0], name) {
			if r.Ended {
				since = later(since, r.Finished)
			} else {
				since = later(since, r.Started)
			}
		}
		assertions := map[string]int{}
		for _, x := range f.Azure.Entra.Exchanges() {
			if x.Subject == workloadid.Subject(name, name) && x.Code == 0 && x.Resource == "https://vault.azure.net" && x.Time.After(since) {
				assertions[x.TokenID]++
			}
		}
		if len(assertions) < 2 || assertions[""] > 0 {
			return false, fmt.Errorf("it has seen %v since %s", assertions, since)
		}
		return true, nil
	})
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
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
