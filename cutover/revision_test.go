package cutover_test

import (
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// knativeObjects are the Deployment of Revision web-00001, on the old path at that many replicas, its Configuration and its Route.
func knativeObjects(replicas int64, latest string, traffic ...any) []map[string]any {
	meta := func(name string) map[string]any { return map[string]any{"name": name, "namespace": "shop"} }
	deployment := meta("web-00001-deployment")
	deployment["labels"] = map[string]any{"serving.knative.dev/configuration": "web", "serving.knative.dev/revision": "web-00001"}
	deployment["ownerReferences"] = []any{map[string]any{
		"apiVersion": "serving.knative.dev/v1", "kind": "Revision", "name": "web-00001", "uid": "r1", "controller": true,
	}}
	return []map[string]any{
		{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": deployment, "spec": map[string]any{"replicas": replicas,
			"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"aadpodidbinding": "web"}}}}},
		{"apiVersion": "serving.knative.dev/v1", "kind": "Configuration", "metadata": meta("web"), "status": map[string]any{
			"latestCreatedRevisionName": latest, "latestReadyRevisionName": latest}},
		{"apiVersion": "serving.knative.dev/v1", "kind": "Route", "metadata": meta("web"), "status": map[string]any{"traffic": traffic}},
	}
}

func TestOldKnativeRevisionsKeepNothingInPlaceAndAreListed(t *testing.T) {
	to := func(name string, percent int64) any { return map[string]any{"revisionName": name, "percent": percent} }
	for _, tc := range []struct {
		name    string
		objects []map[string]any
		user    bool
	}{
		{"one at zero that gets no traffic", knativeObjects(0, "web-00002", to("web-00002", 100)), false},
		{"the newest one, at zero as nobody asks for it", knativeObjects(0, "web-00001", to("web-00001", 100)), true},
		{"one that still gets a share of the traffic", knativeObjects(0, "web-00002", to("web-00002", 90), to("web-00001", 10)), true},
		{"one that a tag names", knativeObjects(0, "web-00002", to("web-00002", 100), map[string]any{"revisionName": "web-00001", "tag": "old"}), true},
		{"one that has pods", knativeObjects(2, "web-00002", to("web-00002", 100)), true},
		{"one whose Configuration is not there", knativeObjects(0, "web-00002")[:1], true},
		{"one whose Configuration does not say", knativeObjects(0, ""), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := cutovertest.New(nil).AddCluster("aks-eastus-01", "eastus", 1)
			for _, o := range tc.objects {
				c.Create(o)
			}
			left, err := cutover.FindLeftovers(t.Context(), c, "aks-eastus-01", nil)
			if err != nil || (len(left.Users) == 1) != tc.user || (len(left.History) == 1) == tc.user {
				t.Fatalf("users %v, history %v: %v", left.Users, left.History, err)
			}
			removal, err := left.Removal()
			if tc.user {
				if err == nil {
					t.Error("it is removed under a user")
				}
				return
			}
			if err != nil || !strings.Contains(strings.Join(removal.Manual, "\n"), "web-00001-deployment") {
				t.Errorf("the removal does not name it: %v, %v", removal, err)
			}
		})
	}
}
