package issuer_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation/issuer"
)

// apiServer is a real TLS server that answers the two requests of this package as an API server does.
func apiServer(t *testing.T, document string, token func(audience string) string) kubernetes.Interface {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, document)
	})
	mux.HandleFunc("POST /api/v1/namespaces/{ns}/serviceaccounts/{name}/token", func(w http.ResponseWriter, r *http.Request) {
		var req map[string]any
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		spec := req["spec"].(map[string]any)
		if spec["expirationSeconds"].(float64) < 600 {
			http.Error(w, "may not specify a duration less than 10 minutes", http.StatusUnprocessableEntity)
			return
		}
		req["status"] = map[string]any{"token": token(spec["audiences"].([]any)[0].(string)), "expirationTimestamp": "2026-01-01T00:00:00Z"}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(req)
	})
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	kube, err := kubernetes.NewForConfig(&rest.Config{
		Host:            server.URL,
		ContentConfig:   rest.ContentConfig{ContentType: "application/json"},
		TLSClientConfig: rest.TLSClientConfig{CAData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})},
	})
	if err != nil {
		t.Fatal(err)
	}
	return kube
}

func jwt(claims string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"RS256"}`)) + "." + enc([]byte(claims)) + "." + enc([]byte("signature"))
}

const east = "https://eastus.oic.prod-aks.azure.com/t/g/"

func TestTheClusterItselfIsAsked(t *testing.T) {
	kube := apiServer(t, `{"issuer":"`+east+`"}`, func(aud string) string {
		return jwt(`{"iss":"` + east + `","sub":"system:serviceaccount:shop:cart","aud":["` + aud + `"]}`)
	})
	for name, r := range map[string]issuer.Reader{
		"discovery":             issuer.FromDiscovery(kube),
		"token":                 issuer.FromToken(kube, "shop", "cart", nil),
		"token, other audience": issuer.FromToken(kube, "shop", "cart", &issuer.TokenOptions{Audience: "api://other"}),
	} {
		if got, err := r.Read(t.Context()); err != nil || got != east {
			t.Errorf("%s: %q, error %v", name, got, err)
		}
	}
}

func TestATokenThatEntraWouldRefuseIsAnErrorWithoutTheToken(t *testing.T) {
	tests := map[string]struct{ token, says string }{
		"another subject":       {jwt(`{"iss":"i","sub":"system:serviceaccount:shop:other","aud":"api://AzureADTokenExchange"}`), "subject"},
		"another audience":      {jwt(`{"iss":"i","sub":"system:serviceaccount:shop:cart","aud":["https://kubernetes.default.svc"]}`), "audience"},
		"no issuer":             {jwt(`{"sub":"system:serviceaccount:shop:cart"}`), "no issuer"},
		"no JWT":                {"SECRET", "no JSON Web Token"},
		"no base64":             {"SECRET.+SECRET.SECRET", "base64url"},
		"no claims":             {jwt(`["SECRET"]`), "claims"},
		"an audience of digits": {jwt(`{"aud":7}`), "claims"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			kube := apiServer(t, `{}`, func(string) string { return tt.token })
			_, err := issuer.FromToken(kube, "shop", "cart", nil).Read(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("error %v, want %q", err, tt.says)
			}
			if strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), tt.token) {
				t.Errorf("error %v gives the token away", err)
			}
		})
	}
}

func TestADiscoveryDocumentOfTheAPIServerIsBounded(t *testing.T) {
	for document, says := range map[string]string{
		`{"issuer":"` + strings.Repeat("x", issuer.DefaultMaxBody) + `"}`: "longer than",
		`{}`:  "no issuer",
		`[]`:  "not a discovery document",
		`<p>`: "not a discovery document",
	} {
		if _, err := issuer.FromDiscovery(apiServer(t, document, nil)).Read(t.Context()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
}

func TestAFileHoldsAnIssuerAndNothingElse(t *testing.T) {
	files := fstest.MapFS{
		"good": {Data: []byte(east + "\n")}, "empty": {Data: []byte("\n")}, "two": {Data: []byte(east + "\n" + east)}, "long": {Data: []byte(strings.Repeat("x", 5000))},
	}
	if got, err := issuer.FromFile(files, "good").Read(t.Context()); err != nil || got != east {
		t.Errorf("%q, error %v", got, err)
	}
	if _, err := issuer.FromFile(files, "empty").Read(t.Context()); !errors.Is(err, issuer.ErrNone) {
		t.Errorf("error %v", err)
	}
	for _, name := range []string{"two", "long", "absent"} {
		if _, err := issuer.FromFile(files, name).Read(t.Context()); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

// short is what tables compare of findings.
func short(found []catalog.Finding) []string {
	var out []string
	for _, f := range found {
		out = append(out, fmt.Sprintf("%s %s", f.Severity, f.Code))
	}
	return out
}

func TestCompareTrustsTheTokenFirst(t *testing.T) {
	read := func(o issuer.Origin, i string) issuer.Reading { return issuer.Reading{Origin: o, Issuer: i} }
	tests := map[string]struct {
		readings []issuer.Reading
		want     string
		findings []string
		says     string
	}{
		"all agree":           {[]issuer.Reading{read(issuer.ARM, east), read(issuer.Token, east)}, east, nil, ""},
		"ARM is stale":        {[]issuer.Reading{read(issuer.ARM, "https://old/"), read(issuer.Token, east)}, east, []string{"error issuer-disagreement"}, "different issuers"},
		"a file has no slash": {[]issuer.Reading{read(issuer.File, strings.TrimSuffix(east, "/")), read(issuer.Discovery, east)}, east, []string{"error issuer-disagreement"}, "slash at the end is missing"},
		"a file has capitals": {[]issuer.Reading{read(issuer.File, strings.ToUpper(east)), read(issuer.ARM, east)}, east, []string{"error issuer-disagreement"}, "letter case"},
		"a file has a blank":  {[]issuer.Reading{read(issuer.File, " "+east), read(issuer.ARM, east)}, east, []string{"error issuer-disagreement"}, "white space"},
		"ARM has none yet":    {[]issuer.Reading{read(issuer.ARM, ""), read(issuer.Token, east)}, east, []string{"warning issuer-unread"}, "being enabled"},
		"the token failed":    {[]issuer.Reading{{Origin: issuer.Token, Err: errors.New("forbidden")}, read(issuer.ARM, east)}, east, []string{"warning issuer-unread"}, "forbidden"},
		"nothing is known":    {[]issuer.Reading{{Origin: issuer.Token, Err: errors.New("forbidden")}}, "", []string{"warning issuer-unread", "blocking issuer-unknown"}, "no source knows"},
		"no source":           {nil, "", []string{"blocking issuer-unknown"}, "--enable-oidc-issuer"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, findings := issuer.Compare("aks", tt.readings)
			if diff := cmp.Diff(tt.findings, short(findings)); got != tt.want || diff != "" {
				t.Fatalf("issuer %q, findings (-want +got):\n%s", got, diff)
			}
			if all := fmt.Sprint(findings); !strings.Contains(all, tt.says) {
				t.Errorf("findings %s do not say %q", all, tt.says)
			}
		})
	}
}

func TestSurveyOfAFleetGoesOn(t *testing.T) {
	s := newSite(t)
	arm := catalog.Cluster{Name: "aks", ResourceID: "/subscriptions/x", Issuer: "https://stale.example.com/"}
	targets := []issuer.Target{
		{Cluster: arm, Readers: []issuer.Reader{issuer.FromCluster(arm), issuer.FromValue(issuer.Token, s.issuer)}},
		{Cluster: catalog.Cluster{Name: "dark"}},
		{Cluster: catalog.Cluster{Name: "private"}, Readers: []issuer.Reader{issuer.FromValue(issuer.File, "https://oidc.private.local/")}},
	}
	results, err := issuer.Survey(t.Context(), targets, &issuer.Options{Client: onlyExample(s.Client()), Concurrency: 2})
	if err != nil || len(results) != 3 {
		t.Fatalf("results %+v, error %v", results, err)
	}
	for i, want := range []struct {
		issuer   string
		verified bool
		findings []string
	}{
		{s.issuer, true, []string{"error issuer-disagreement"}},
		{"", false, []string{"blocking issuer-unknown"}},
		{"https://oidc.private.local/", false, []string{"warning issuer-unreachable", "warning issuer-unreachable"}},
	} {
		r := results[i]
		if diff := cmp.Diff(want.findings, short(r.Findings)); diff != "" || r.Cluster.Issuer != want.issuer || (r.Verification != nil && r.Verification.OK()) != want.verified {
			t.Errorf("%s: issuer %q, verification %+v, findings (-want +got):\n%s", r.Cluster.Name, r.Cluster.Issuer, r.Verification, diff)
		}
	}
	if results[0].Readings[0].Origin != issuer.ARM {
		t.Errorf("readings %+v", results[0].Readings)
	}
	results, err = issuer.Survey(t.Context(), targets, &issuer.Options{SkipVerify: true})
	if err != nil || results[0].Verification != nil {
		t.Errorf("results %+v, error %v", results, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if results, err = issuer.Survey(ctx, targets, nil); !errors.Is(err, context.Canceled) || len(results) != 3 {
		t.Errorf("results %+v, error %v", results, err)
	}
}
