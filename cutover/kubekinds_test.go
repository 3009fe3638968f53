package cutover_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/cutover"
)

// Most clusters lack most custom resources: neither the API server's plain "404 page not found" nor a group without the kind is a reason
// to ask again and again.
func TestAKindThatTheClusterDoesNotHaveIsAskedForOnce(t *testing.T) {
	for name, group := range map[string]http.HandlerFunc{
		"no such group": http.NotFound,
		"no such kind in the group": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"keda.sh/v1alpha1","resources":[]}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				group(w, r)
			}))
			defer server.Close()
			c, err := cutover.NewCluster(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.List(t.Context(), cutover.Selection{APIVersion: "keda.sh/v1alpha1", Kind: "TriggerAuthentication", Namespace: "shop"})
			if !apierrors.IsNotFound(err) {
				t.Errorf("got %v, want not found", err)
			}
			asked.Store(0)
			for _, check := range cutover.Checks() {
				if check.Code != "PF14" {
					continue
				}
				target := cutover.Target{Cluster: c, Plan: &cutover.Plan{}, Unit: &cutover.Unit{Cluster: "aks-eastus-01", Namespace: "shop"}}
				for _, e := range check.Run(t.Context(), target, cutover.PreflightOptions{}) {
					if e.Result == cutover.Fail {
						t.Errorf("%+v", e)
					}
				}
			}
			if n := asked.Load(); n > 6 {
				t.Errorf("the server was asked %d times", n)
			}
		})
	}
}
