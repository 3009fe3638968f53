package credentialtest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

func TestNMICountsItsRequests(t *testing.T) {
	n := newNode(t, credentialtest.NMIOptions{PodLooks: 1}, state())
	n.attach(app)
	pod := credentialtest.InMemory(n.nmi).From(podIP)
	for range 3 {
		ask(t, pod, credentialtest.TokenURL+byClient, metadata)
	}
	ask(t, credentialtest.InMemory(n.nmi).From("10.9.9.9"), credentialtest.TokenURL+byClient, metadata)
	ask(t, pod, credentialtest.TokenURL+"?resource=a%22b%0Ac%5C&client_id=x", http.Header{})
	metrics := func() string {
		_, _, body := ask(t, credentialtest.InMemory(http.HandlerFunc(n.nmi.ServeMetrics)), "http://nmi:9090/metrics", nil)
		return body
	}
	want := `# HELP aadpodidentity_nmi_operations_duration_seconds Duration in seconds for nmi operations
# TYPE aadpodidentity_nmi_operations_duration_seconds histogram
aadpodidentity_nmi_operations_duration_seconds_count{namespace="",operation_type="/metadata/identity/oauth2/token",resource="a\"b\nc\\",status_code="400"} 1
aadpodidentity_nmi_operations_duration_seconds_count{namespace="",operation_type="/metadata/identity/oauth2/token",resource="https://vault.azure.net",status_code="500"} 1
aadpodidentity_nmi_operations_duration_seconds_count{namespace="payments",operation_type="/metadata/identity/oauth2/token",resource="https://vault.azure.net",status_code="200"} 3`
	if got := metrics(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	n.nmi.Reset()
	if got := metrics(); strings.Contains(got, "_count") || len(n.nmi.Requests()) != 0 {
		t.Errorf("after a restart:\n%s", got)
	}
}

func TestNMINeedsItsWorld(t *testing.T) {
	if _, err := credentialtest.NewNMI(nil, credentialtest.Hosts{}, nil); err == nil {
		t.Error("an NMI without a cache")
	}
	if _, err := credentialtest.NewNMI(credentialtest.NewNode(credentialtest.NodeState{}), nil, nil); err == nil {
		t.Error("an NMI without an IMDS")
	}
}
