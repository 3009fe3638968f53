package cutover_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/cutover"
)

// Over HTTP/2 a body that is cut short is an error of its stream, and neither an EOF nor one of the network.
func TestAReadThatIsCutShortOverHTTP2IsMadeAgain(t *testing.T) {
	t.Parallel()
	var cut atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/api/v1" {
			_, _ = w.Write([]byte(`{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"v1","resources":[{"name":"configmaps","namespaced":true,"kind":"ConfigMap","verbs":["get"]}]}`))
			return
		}
		_, _ = w.Write([]byte(`{"kind":"ConfigMap"`))
		if cut.Add(1) == 1 {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte(`,"apiVersion":"v1"}`))
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	c, err := cutover.NewCluster(&rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{Insecure: true}})
	if err != nil {
		t.Fatal(err)
	}
	j, err := cutover.NewConfigMapJournal(map[string]cutover.Cluster{"c1": c}, "ops")
	if err != nil {
		t.Fatal(err)
	}
	_, err = j.Load(t.Context(), cutover.Key{Cluster: "c1", Unit: "u"})
	if cut.Load() < 2 {
		t.Errorf("asked %d times, want again after the break: %v", cut.Load(), err)
	}
}
