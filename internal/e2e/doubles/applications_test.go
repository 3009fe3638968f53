package doubles_test

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// deploy applies an application and, when it is on the new path, has Entra trust it.
func deploy(t *testing.T, f *fleet.Fleet, a app.App) {
	t.Helper()
	if a.OnWorkloadIdentity {
		trust(t, f, a.Identity, a.Namespace, a.Name)
	}
	if err := f.Clusters[0].Apply(t.Context(), a.YAML()); err != nil {
		t.Fatal(err)
	}
}

// trust has an identity trust a service account.
func trust(t *testing.T, f *fleet.Fleet, id catalog.Identity, namespace, account string) {
	t.Helper()
	store, err := f.Azure.Store()
	if err != nil {
		t.Fatal(err)
	}
	err = store.Put(t.Context(), id, federation.Credential{Name: account, Issuer: f.Clusters[0].Issuer(),
		Subject: workloadid.Subject(namespace, account), Audience: workloadid.Audience})
	if err != nil {
		t.Fatal(err)
	}
}

// awaitTokens waits until exactly so many applications of a namespace run and each of them has taken so many tokens since the call.
func awaitTokens(t *testing.T, c *fleet.Cluster, namespace string, pods, tokens int) (taking []kubelet.PodReport) {
	t.Helper()
	before := map[types.UID]int{}
	for _, r := range applications(c, namespace) {
		before[r.UID] = r.Taken
	}
	fleet.Await(t, fmt.Sprintf("%d pods of %s to take tokens", pods, namespace), func() (bool, error) {
		taking = applications(c, namespace)
		for _, r := range taking {
			if more := r.Taken - before[r.UID]; more < tokens {
				return false, fmt.Errorf("%s has taken %d: %s %s", r.Pod, more, r.LastError, r.Broken)
			}
		}
		if len(taking) != pods {
			return false, fmt.Errorf("%d pods live", len(taking))
		}
		return true, nil
	})
	return taking
}

// applications are those containers that run and are no init containers, living also those.
func applications(c *fleet.Cluster, namespace string) []kubelet.PodReport {
	return slices.DeleteFunc(living(c, namespace), func(r kubelet.PodReport) bool { return r.Init })
}

func living(c *fleet.Cluster, namespace string) []kubelet.PodReport {
	return slices.DeleteFunc(reports(c, namespace), func(r kubelet.PodReport) bool { return r.Ended })
}

func reports(c *fleet.Cluster, namespace string) []kubelet.PodReport {
	return slices.DeleteFunc(c.Reports(), func(r kubelet.PodReport) bool { return r.Namespace != namespace })
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
