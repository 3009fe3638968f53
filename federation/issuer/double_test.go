package issuer_test

import (
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/federation/issuer"
)

// cluster is an issuer double behind a real TLS server, and an API server that mints its tokens.
func cluster(t *testing.T) (*credentialtest.Issuer, *issuer.Options, []issuer.Reader) {
	t.Helper()
	double, err := credentialtest.NewIssuer("https://eastus.example.com/tenant/cluster/", nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(double)
	t.Cleanup(server.Close)
	kube := apiServer(t, `{"issuer":"`+double.URL()+`"}`, func(audience string) string {
		token, err := double.Mint(credentialtest.ServiceAccountToken{Namespace: "shop", Name: "cart", Audience: audience})
		if err != nil {
			t.Error(err)
		}
		return token
	})
	return double, &issuer.Options{Client: server.Client()}, []issuer.Reader{
		issuer.FromValue(issuer.ARM, double.URL()), issuer.FromDiscovery(kube), issuer.FromToken(kube, "shop", "cart", nil),
	}
}

func TestTheLifeOfAClustersIssuer(t *testing.T) {
	double, opts, readers := cluster(t)
	survey := func() issuer.Result {
		t.Helper()
		results, err := issuer.Survey(t.Context(), []issuer.Target{{Cluster: catalog.Cluster{Name: "aks"}, Readers: readers}}, opts)
		if err != nil {
			t.Fatal(err)
		}
		return results[0]
	}
	if r := survey(); len(r.Findings) != 0 || r.Cluster.Issuer != double.URL() || len(r.Verification.Keys) != 1 {
		t.Fatalf("a healthy cluster: %+v, keys %v", r.Findings, r.Verification.Keys)
	}
	if _, err := double.Rotate(nil); err != nil {
		t.Fatal(err)
	}
	if r := survey(); len(r.Findings) != 0 || len(r.Verification.Keys) != 2 {
		t.Errorf("after a rotation both keys count: %+v", r)
	}
	double.Distort(func(document map[string]any) { document["issuer"] = "https://eastus.example.com/tenant/cluster" })
	if diff := cmp.Diff([]string{"error issuer-unusable"}, short(survey().Findings)); diff != "" {
		t.Errorf("a distorted document (-want +got):\n%s", diff)
	}
	double.Distort(nil)
	double.Unpublish()
	if diff := cmp.Diff([]string{"error issuer-unusable"}, short(survey().Findings)); diff != "" {
		t.Errorf("no published key (-want +got):\n%s", diff)
	}
}
