package cutover_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/pause"
)

const nmiPage = `# HELP aadpodidentity_nmi_operations_duration_seconds Latency in seconds of nmi operations
# TYPE aadpodidentity_nmi_operations_duration_seconds histogram
aadpodidentity_nmi_operations_duration_seconds_bucket{namespace="payments",operation_type="pod_token_request",resource="https://vault.azure.net",status_code="200",le="0.5"} 3
aadpodidentity_nmi_operations_duration_seconds_bucket{namespace="payments",operation_type="pod_token_request",resource="https://vault.azure.net",status_code="200",le="+Inf"} 5
aadpodidentity_nmi_operations_duration_seconds_sum{namespace="payments",operation_type="pod_token_request",resource="https://vault.azure.net",status_code="200"} 1.5
aadpodidentity_nmi_operations_duration_seconds_count{namespace="payments",operation_type="pod_token_request",resource="https://vault.azure.net",status_code="200"} 5
aadpodidentity_nmi_operations_duration_seconds_bucket{namespace="payments",operation_type="pod_token_request",resource="https://vault.azure.net",status_code="404",le="+Inf"} 2
aadpodidentity_nmi_operations_duration_seconds_sum{namespace="payments",operation_type="pod_token_request",resource="https://vault.azure.net",status_code="404"} 160
aadpodidentity_nmi_operations_duration_seconds_count{namespace="payments",operation_type="pod_token_request",resource="https://vault.azure.net",status_code="404"} 2
aadpodidentity_nmi_operations_duration_seconds_bucket{namespace="orders",operation_type="host_token_request",resource="https://vault.azure.net",status_code="200",le="+Inf"} 40
aadpodidentity_nmi_operations_duration_seconds_sum{namespace="orders",operation_type="host_token_request",resource="https://vault.azure.net",status_code="200"} 4
aadpodidentity_nmi_operations_duration_seconds_count{namespace="orders",operation_type="host_token_request",resource="https://vault.azure.net",status_code="200"} 40
`

func TestNMIMetricsCountsTheOperationsOfANamespace(t *testing.T) {
	of := func(n int64) *int64 { return &n }
	for _, tc := range []struct {
		name      string
		pages     []string
		namespace string
		want      []cutover.NMIReading
		wantErr   string
	}{
		{"successes and failures both count, and failures apart; other namespaces do not", []string{nmiPage}, "payments",
			[]cutover.NMIReading{{Instance: "uid-0", Node: "node-0", Operations: 7, Refused: of(2)}}, ""},
		{"host token requests of the CSI driver count", []string{nmiPage}, "orders",
			[]cutover.NMIReading{{Instance: "uid-0", Node: "node-0", Operations: 40, Refused: of(0)}}, ""},
		{"an NMI that served nothing has no histogram yet", []string{"# nothing\n"}, "payments",
			[]cutover.NMIReading{{Instance: "uid-0", Node: "node-0", Refused: of(0)}}, ""},
		{"a page without TYPE lines is read by its counts, and one without status codes says nothing of failures", []string{`aadpodidentity_nmi_operations_duration_seconds_count{namespace="payments"} 4` + "\n"}, "payments",
			[]cutover.NMIReading{{Instance: "uid-0", Node: "node-0", Operations: 4}}, ""},
		{"one NMI that cannot be read is an error, with the readings of the rest", []string{nmiPage, ""}, "payments",
			[]cutover.NMIReading{{Instance: "uid-0", Node: "node-0", Operations: 7, Refused: of(2)}}, "NMI on node node-1 of c1 cannot be read"},
		{"a page that is not metrics is an error", []string{"<html>proxy</html>"}, "payments", nil, "metrics page"},
		{"a cluster without NMI has no readings", nil, "payments", nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var i int
				if _, err := fmt.Sscanf(r.URL.Path, "/%d", &i); err != nil || tc.pages[i] == "" {
					http.Error(w, "restarting", http.StatusServiceUnavailable)
					return
				}
				fmt.Fprint(w, tc.pages[i])
			}))
			defer srv.Close()
			m := &cutover.NMIMetrics{Endpoints: func(context.Context, string) ([]cutover.NMIEndpoint, error) {
				var out []cutover.NMIEndpoint
				for i := range tc.pages {
					out = append(out, cutover.NMIEndpoint{Instance: fmt.Sprintf("uid-%d", i), Node: fmt.Sprintf("node-%d", i), URL: fmt.Sprintf("%s/%d", srv.URL, i)})
				}
				return out, nil
			}}
			got, err := m.OldPath(t.Context(), "c1", tc.namespace)
			if (err == nil) != (tc.wantErr == "") || err != nil && !strings.Contains(err.Error(), tc.wantErr) {
				t.Errorf("error %v, want one with %q", err, tc.wantErr)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func ExampleNMIMetrics() {
	nmi := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, nmiPage) }))
	defer nmi.Close()

	m := &cutover.NMIMetrics{Endpoints: func(context.Context, string) ([]cutover.NMIEndpoint, error) {
		return []cutover.NMIEndpoint{{Instance: "0c1d", Node: "vmss000000", URL: nmi.URL}}, nil
	}}
	readings, err := m.OldPath(context.Background(), "aks-eastus-01", "payments")
	for _, r := range readings {
		fmt.Printf("NMI on %s has served %d token operations\n", r.Node, r.Operations)
	}
	fmt.Println(err)
	// Output:
	// NMI on vmss000000 has served 7 token operations
	// <nil>
}

func TestNMIPodsFindsNMIByTheLabelsOfItsInstall(t *testing.T) {
	pods := map[string]string{"component=nmi": "10.0.0.1", "app.kubernetes.io/component=nmi": "10.0.0.2", "app=my-nmi": "10.0.0.3"}
	r := readerFuncs{list: func(s cutover.Selection) ([]*unstructured.Unstructured, error) {
		ip, ok := pods[s.Labels]
		if !ok || s.Kind != "Pod" || s.Namespace != "" {
			return nil, nil
		}
		return []*unstructured.Unstructured{{Object: map[string]any{
			"metadata": map[string]any{"name": "nmi", "uid": "uid-" + ip}, "spec": map[string]any{"nodeName": "node-" + ip}, "status": map[string]any{"podIP": ip},
		}}}, nil
	}}
	readers := map[string]cutover.Reader{"c1": r}
	for _, tc := range []struct {
		name      string
		endpoints func(context.Context, string) ([]cutover.NMIEndpoint, error)
		want      []string
	}{
		{"upstream's manifests and chart", cutover.NMIPods(readers), []string{"http://10.0.0.1:9090/metrics", "http://10.0.0.2:9090/metrics"}},
		{"and labels of one's own beside them", cutover.NMIPods(readers, "app=my-nmi"), []string{"http://10.0.0.1:9090/metrics", "http://10.0.0.2:9090/metrics", "http://10.0.0.3:9090/metrics"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			found, err := tc.endpoints(t.Context(), "c1")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range found {
				got = append(got, e.URL)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	if _, err := cutover.NMIPods(readers)(t.Context(), "c2"); err == nil {
		t.Error("a cluster that cannot be read has an error, not an empty list")
	}
}

// transportFunc is an http.RoundTripper.
type transportFunc func(r *http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNMIMetricsReadsSeveralAtOnceAndWaitsForNoneThatHangs(t *testing.T) {
	var mu sync.Mutex
	var now, most int
	page := transportFunc(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		d := time.Second
		if r.URL.Host == "node-13" {
			d = time.Hour
		}
		err := pause.For(r.Context(), d)
		mu.Lock()
		now--
		mu.Unlock()
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(nmiPage))}, err
	})
	endpoints := func(context.Context, string) ([]cutover.NMIEndpoint, error) {
		var out []cutover.NMIEndpoint
		for i := range 20 {
			out = append(out, cutover.NMIEndpoint{Instance: fmt.Sprint(i), Node: fmt.Sprintf("node-%02d", i), URL: fmt.Sprintf("http://node-%d/metrics", i)})
		}
		return out, nil
	}
	for name, tc := range map[string]struct {
		timeout, took time.Duration
	}{
		"ten seconds by default": {0, 11 * time.Second}, // the hanging one is in the second row of eight
		"as long as one likes":   {30 * time.Second, 31 * time.Second},
	} {
		bubble(t, name, func(t *testing.T) {
			most = 0
			m := &cutover.NMIMetrics{Endpoints: endpoints, Client: &http.Client{Transport: page}, Timeout: tc.timeout}
			began := time.Now()
			got, err := m.OldPath(t.Context(), "c1", "payments")
			if len(got) != 19 || err == nil || !strings.Contains(err.Error(), "NMI on node node-13 of c1 cannot be read") || strings.Contains(err.Error(), "node-12") {
				t.Errorf("%d readings and %v", len(got), err)
			}
			if took := time.Since(began); took != tc.took || most != 8 {
				t.Errorf("took %s with %d at once, want %s with 8", took, most, tc.took)
			}
		})
	}
}
