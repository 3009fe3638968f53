package e2e_test

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// namespacesOf are the namespaces of applications.
func namespacesOf(residents []resident) (out []string) {
	for _, r := range residents {
		out = append(out, r.Namespace)
	}
	return out
}

// reportsOf are the reports of the applications' pods.
func reportsOf(f *fleet.Fleet, residents []resident) []kubelet.PodReport {
	return reportsIn(f, namespacesOf(residents))
}

// reportsIn are the reports of the pods of some namespaces.
func reportsIn(f *fleet.Fleet, namespaces []string) (out []kubelet.PodReport) {
	for _, r := range f.Reports() {
		if slices.Contains(namespaces, r.Namespace) {
			out = append(out, r)
		}
	}
	return out
}

// noBindings checks that no AzureIdentityBinding is left in the applications' namespaces.
func noBindings(t *testing.T, residents []resident) {
	t.Helper()
	for _, r := range residents {
		kind, err := r.cluster.Objects.Kind(schema.FromAPIVersionAndKind(podidentity.GroupVersion, "AzureIdentityBinding"), r.Namespace)
		if err != nil {
			t.Fatal(err)
		}
		left, err := kind.List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(left.Items) > 0 {
			t.Errorf("%s: %d AzureIdentityBindings are left in %s", r.cluster.Name, len(left.Items), r.Namespace)
		}
	}
}
