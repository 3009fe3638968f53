package doubles_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/e2e/sidecar"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// legacy is an application that asks IMDS and nothing else, in a pod with the migration sidecar.
func legacy(f *fleet.Fleet, name string) app.App {
	return app.App{Namespace: name, Name: name, Identity: f.Identity("rg", "id-"+name), Replicas: 2, OnWorkloadIdentity: true, Proxy: true,
		Credential: workload.ManagedIdentity, Period: period}
}

func sidecarAlone(t *testing.T, f *fleet.Fleet) {
	c := f.Clusters[0]
	a := legacy(f, "alone")
	deploy(t, f, a)
	bare := legacy(f, "bare") // the same without the sidecar: what it would be without it
	bare.Proxy, bare.Identity, bare.Replicas = false, a.Identity, 1
	deploy(t, f, bare)
	for _, r := range awaitTokens(t, c, a.Namespace, a.Replicas, 5) {
		if r.Failed+r.Wrong > 0 || r.Identities[a.Identity.ClientID] != r.Taken || r.Path != workload.PathMetadata {
			t.Errorf("%+v, want every token by the metadata service and of %s", r, a.Identity.ClientID)
		}
	}
	kind, err := c.Objects.Kind(schema.FromAPIVersionAndKind(podidentity.GroupVersion, podidentity.KindBinding), a.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	if bindings, err := kind.List(t.Context(), metav1.ListOptions{}); err != nil || len(bindings.Items) > 0 {
		t.Errorf("there are bindings: %v, %v", bindings, err)
	}
	if n, err := c.NMIRequests(t.Context(), a.Namespace); err != nil || n > 0 {
		t.Errorf("NMI has served %d requests of the namespace: %v", n, err)
	}
	if exchanged(f, a) == 0 {
		t.Error("Entra has seen no exchange of the pods' own tokens")
	}
	fleet.Await(t, "the pod without a sidecar to have asked in vain", func() (bool, error) {
		answers, err := c.NMIRequests(t.Context(), bare.Namespace) // the SDK asks again and again before it fails
		for _, r := range reports(c, bare.Namespace) {
			if r.Taken > 0 {
				t.Fatalf("without a sidecar %s took %d tokens that nobody can have given: %+v", r.Pod, r.Taken, r)
			}
			answers += r.Failed // by the node's real metadata service, before NMI was there
		}
		return answers > 0, err
	})
	ordered(t, c, a.Namespace)
}

// exchanged counts the tokens that Entra gave for the tokens of the application's pods.
func exchanged(f *fleet.Fleet, a app.App) int {
	n := 0
	for _, e := range f.Azure.Entra.Exchanges() {
		if e.Subject == workloadid.Subject(a.Namespace, a.Name) && e.ClientID == a.Identity.ClientID && e.Code == 0 && e.Issuer == f.Clusters[0].Issuer() {
			n++
		}
	}
	return n
}

// ordered checks that the sidecar was up before the application began.
func ordered(t *testing.T, c *fleet.Cluster, namespace string) {
	t.Helper()
	proxies := map[string]kubelet.PodReport{}
	for _, r := range reports(c, namespace) {
		if r.Container == sidecar.Name {
			proxies[r.Pod] = r
		}
	}
	for _, r := range reports(c, namespace) {
		if p, ok := proxies[r.Pod]; !r.Init && (!ok || p.Ended || r.Started.Before(p.Started)) {
			t.Errorf("%s started at %s, its sidecar: %+v", r.Pod, r.Started, p)
		}
	}
}

func sidecarAndNMI(t *testing.T, f *fleet.Fleet) {
	c := f.Clusters[0]
	if err := c.AwaitNMI(t.Context()); err != nil { // before that, the node's real metadata service answers
		t.Fatal(err)
	}
	a := legacy(f, "both")
	a.OnPodIdentity, a.InitContainer = true, true
	deploy(t, f, a)
	awaitTokens(t, c, a.Namespace, a.Replicas, 5)
	used, err := c.NMIRequests(t.Context(), a.Namespace)
	if err != nil || used == 0 {
		t.Errorf("NMI has served %d requests: %v; the redirect comes after the application's init containers", used, err)
	}
	asked := exchanged(f, a)
	awaitTokens(t, c, a.Namespace, a.Replicas, 5)
	fleet.Await(t, "the applications to take new tokens too", func() (bool, error) { return exchanged(f, a) > asked, nil })
	if now, err := c.NMIRequests(t.Context(), a.Namespace); err != nil || now != used {
		t.Errorf("NMI has served %d requests more since the applications run: %v", now-used, err)
	}
}

func sidecarContract(t *testing.T, f *fleet.Fleet) {
	a := legacy(f, "contract")
	a.Replicas = 1
	deploy(t, f, a)
	r := awaitTokens(t, f.Clusters[0], a.Namespace, 1, 5)[0]
	pod, err := f.Clusters[0].Client.CoreV1().Pods(a.Namespace).Get(t.Context(), r.Pod, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	other := f.Identity("rg", "id-other")
	for _, c := range []struct {
		name, path string
		status     int
		body       string // part of the answer
	}{
		{"no client ID means the pod's own identity", "/metadata/identity/oauth2/token?resource=https://vault.azure.net", 200, `"access_token":"`},
		{"the path's first part is matched in any case", "/MetaData/identity/oauth2/token?resource=https://vault.azure.net", 200, `"token_type":"Bearer"`},
		{"a resource that is a scope already", "/metadata/identity/oauth2/token?resource=https://vault.azure.net/.default", 200, `"access_token":"`},
		{"no resource", "/metadata/identity/oauth2/token?client_id=" + a.Identity.ClientID, 400, "resource parameter is required"},
		{"another identity by its resource ID is not heeded", "/metadata/identity/oauth2/token?resource=x&mi_res_id=" + other.ResourceID, 200, `"access_token":"`},
		{"an identity that does not trust the pod", "/metadata/identity/oauth2/token?resource=x&client_id=" + other.ClientID, 500, "AADSTS70025"},
		{"other paths go where they went", "/host/token", 400, "missing 'podname' and 'podns'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := getMetadata(t, fmt.Sprintf("http://%s:%d%s", pod.Status.PodIP, sidecar.DefaultPort, c.path))
			if status != c.status || !strings.Contains(body, c.body) {
				t.Errorf("got %d %.300s, want %d and %q", status, body, c.status, c.body)
			}
			var answer struct {
				Token string `json:"access_token"`
			}
			if status != http.StatusOK || json.Unmarshal([]byte(body), &answer) != nil {
				return
			}
			if claims, err := f.Azure.Entra.Verify(answer.Token); err != nil || claims.String("appid") != a.Identity.ClientID {
				t.Errorf("a token of %s: %v, want one of %s", claims.String("appid"), err, a.Identity.ClientID)
			}
		})
	}
}

func getMetadata(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Metadata", "true")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}
