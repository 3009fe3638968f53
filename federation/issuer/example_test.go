package issuer_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing/fstest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	ktesting "k8s.io/client-go/testing"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/issuer"
)

func ExampleVerify() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/.well-known/openid-configuration" {
			_, _ = fmt.Fprint(w, `{"issuer":"https://oidc.example.com/","jwks_uri":"https://oidc.example.com/keys"}`)
			return
		}
		n := base64.RawURLEncoding.EncodeToString(key.N.Bytes())
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{"kid": "k1", "kty": "RSA", "n": n, "e": "AQAB"}}})
	}))
	defer server.Close()
	for _, name := range []string{"https://oidc.example.com/", "https://oidc.example.com"} {
		v, err := issuer.Verify(context.Background(), name, &issuer.Options{Client: server.Client()})
		fmt.Println(v.OK(), v.Keys, err)
		for _, f := range v.Findings("aks-eastus-01") {
			fmt.Println(f.Code, f.Message)
		}
	}
	// Output:
	// true [{k1 2048}] <nil>
	// false [{k1 2048}] <nil>
	// issuer-unusable issuer "https://oidc.example.com": https://oidc.example.com/.well-known/openid-configuration names issuer "https://oidc.example.com/": there is a slash too many at the end
}

func ExampleSurvey() {
	cluster := catalog.Cluster{Name: "aks-eastus-01", ResourceID: "/subscriptions/…", Issuer: "https://eastus.oic.prod-aks.azure.com/t/old/"}
	results, err := issuer.Survey(context.Background(), []issuer.Target{{
		Cluster: cluster,
		Readers: []issuer.Reader{issuer.FromCluster(cluster), issuer.FromValue(issuer.Token, "https://eastus.oic.prod-aks.azure.com/t/new/")},
	}}, &issuer.Options{SkipVerify: true})
	fmt.Println(results[0].Cluster.Issuer, err)
	fmt.Println(results[0].Findings[0].Message)
	// Output:
	// https://eastus.oic.prod-aks.azure.com/t/new/ <nil>
	// source token says "https://eastus.oic.prod-aks.azure.com/t/new/", source arm says "https://eastus.oic.prod-aks.azure.com/t/old/": they are different issuers
}

func ExampleCompare() {
	best, findings := issuer.Compare("aks-eastus-01", []issuer.Reading{
		{Origin: issuer.File, Issuer: "https://eastus.oic.prod-aks.azure.com/t/g"},
		{Origin: issuer.ARM, Issuer: "https://eastus.oic.prod-aks.azure.com/t/g/"},
	})
	fmt.Println(best)
	fmt.Println(findings[0].Code, findings[0].Remedy)
	// Output:
	// https://eastus.oic.prod-aks.azure.com/t/g/
	// issuer-disagreement correct what source file rests on; federate with "https://eastus.oic.prod-aks.azure.com/t/g/"
}

// mintingCluster mints unsigned tokens for any service account.
func mintingCluster() kubernetes.Interface {
	kube := fake.NewClientset()
	kube.PrependReactor("create", "serviceaccounts/token", func(a ktesting.Action) (bool, runtime.Object, error) {
		req := a.(ktesting.CreateAction).GetObject().(*authenticationv1.TokenRequest)
		req.Status.Token = "e30." + base64.RawURLEncoding.EncodeToString([]byte(
			`{"iss":"https://oidc.example.com/","sub":"system:serviceaccount:shop:cart","aud":["`+req.Spec.Audiences[0]+`"]}`)) + ".c2ln"
		return true, req, nil
	})
	return kube
}

func ExampleFromToken() {
	fmt.Println(issuer.FromToken(mintingCluster(), "shop", "cart", nil).Read(context.Background()))
	// Output:
	// https://oidc.example.com/ <nil>
}

func ExampleMinter() {
	target := federation.ProofTarget{
		Cluster: "aks-eastus-01", Namespace: "shop", ServiceAccount: "cart",
		Triple:   federation.Triple{Issuer: "https://oidc.example.com/", Subject: "system:serviceaccount:shop:cart", Audience: federation.DefaultAudience},
		Identity: catalog.Identity{ClientID: "c11e0000-0000-4000-8000-000000000001", TenantID: "7e4a0000-0000-4000-8000-00000000000a"},
	}
	// In a program: credential.Exchange, which asks Entra.
	exchange := func(_ context.Context, tenantID, clientID, _ string) (federation.Claims, error) {
		return federation.Claims{ClientID: clientID, TenantID: tenantID}, nil
	}
	mint := issuer.Minter(map[string]kubernetes.Interface{"aks-eastus-01": mintingCluster()})
	proofs, err := federation.Prove(context.Background(), []federation.ProofTarget{target}, mint, exchange, &federation.ProveOptions{Every: time.Millisecond})
	fmt.Println(proofs[0].Proven, len(proofs[0].Attempts), err)
	// Output:
	// true 3 <nil>
}

func ExampleFromDiscovery() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"issuer":"https://oidc.example.com/","jwks_uri":"https://oidc.example.com/keys"}`)
	}))
	defer server.Close()
	kube, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(issuer.FromDiscovery(kube).Read(context.Background()))
	// Output:
	// https://oidc.example.com/ <nil>
}

func ExampleFromFile() {
	files := fstest.MapFS{"issuer.txt": {Data: []byte("https://oidc.example.com/\n")}}
	fmt.Println(issuer.FromFile(files, "issuer.txt").Read(context.Background()))
	// Output:
	// https://oidc.example.com/ <nil>
}

func ExampleFromCluster() {
	_, err := issuer.FromCluster(catalog.Cluster{Name: "aks", ResourceID: "/subscriptions/…"}).Read(context.Background())
	fmt.Println(err)
	// Output:
	// the source has no issuer
}

func ExampleFromValue() {
	fmt.Println(issuer.FromValue(issuer.ARM, "https://oidc.example.com/").Read(context.Background()))
	// Output:
	// https://oidc.example.com/ <nil>
}
