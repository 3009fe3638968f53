package credentialtest_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

func TestEntraRefusesWhatItCannotVerify(t *testing.T) {
	type arrange struct {
		identity func(*credentialtest.Identity)
		token    credentialtest.ServiceAccountToken
		world    func(*world)
		client   func(*azidentity.WorkloadIdentityCredentialOptions)
		raw      string
		scope    string
	}
	tests := map[string]struct {
		arrange
		code, status int
	}{
		"an identity without federated credentials": {arrange{identity: func(id *credentialtest.Identity) { id.Credentials = nil }}, 70025, 401},
		"an issuer without its trailing slash": {arrange{identity: func(id *credentialtest.Identity) {
			id.Credentials[0].Issuer = strings.TrimSuffix(id.Credentials[0].Issuer, "/")
		}}, 700211, 401},
		"another service account":               {arrange{token: credentialtest.ServiceAccountToken{Namespace: "payments", Name: "web"}}, 700213, 401},
		"another audience":                      {arrange{token: credentialtest.ServiceAccountToken{Audience: "api://AKSIdentityBinding"}}, 700212, 401},
		"a subject that differs in letter case": {arrange{identity: func(id *credentialtest.Identity) { id.Credentials[0].Subject = "system:serviceaccount:Payments:api" }}, 7002138, 401},
		"an issuer that differs in letter case": {arrange{identity: func(id *credentialtest.Identity) {
			id.Credentials[0].Issuer = "https://issuer.example/TENANT/cluster/"
		}}, 7002138, 401},
		"an audience that differs in letter case": {arrange{identity: func(id *credentialtest.Identity) { id.Credentials[0].Audience = "api://azureadtokenexchange" }}, 7002138, 401},
		"an expired assertion":                    {arrange{token: credentialtest.ServiceAccountToken{NotBefore: time.Now().Add(-2 * time.Hour)}}, 700024, 401},
		"an assertion from the future":            {arrange{token: credentialtest.ServiceAccountToken{NotBefore: time.Now().Add(time.Hour)}}, 700024, 401},
		"an assertion that lives a year":          {arrange{token: credentialtest.ServiceAccountToken{Lifetime: 365 * 24 * time.Hour}}, 70023, 400},
		"an assertion without an expiry":          {arrange{token: credentialtest.ServiceAccountToken{Claims: credentialtest.Claims{"exp": nil}}}, 50027, 400},
		"a forged signature":                      {arrange{token: credentialtest.ServiceAccountToken{Key: otherKey()}}, 700027, 401},
		"an algorithm that is not RS256":          {arrange{token: credentialtest.ServiceAccountToken{Algorithm: "none"}}, 700027, 401},
		"a key that the issuer does not publish":  {arrange{token: credentialtest.ServiceAccountToken{KeyID: "gone"}}, 7000272, 401},
		"an issuer that retracted its keys":       {arrange{world: func(w *world) { w.issuer.Unpublish() }}, 7000272, 401},
		"an issuer that cannot be reached":        {arrange{world: func(w *world) { delete(w.hosts, "issuer.example") }}, 90061, 400},
		"an issuer that throttles":                {arrange{world: func(w *world) { w.issuer.Fail(credentialtest.Canned{Status: 429}) }}, 50166, 400},
		"an issuer that is broken":                {arrange{world: func(w *world) { w.issuer.Fail(credentialtest.Canned{Status: 503}) }}, 501661, 400},
		"an issuer that answers HTML":             {arrange{world: func(w *world) { w.issuer.Fail(credentialtest.Canned{Body: "<html>"}) }}, 501661, 400},
		"an issuer that resets connections":       {arrange{world: func(w *world) { w.issuer.Fail(credentialtest.Canned{Reset: true}) }}, 90061, 400},
		"a document of another issuer": {arrange{world: func(w *world) {
			w.issuer.Distort(func(doc map[string]any) { doc["issuer"] = "https://other.example/" })
		}}, 501661, 400},
		"a document without jwks_uri": {arrange{world: func(w *world) {
			w.issuer.Distort(func(doc map[string]any) { delete(doc, "jwks_uri") })
		}}, 501661, 400},
		"a document that points at nothing": {arrange{world: func(w *world) {
			w.issuer.Distort(func(doc map[string]any) { doc["jwks_uri"] = "https://issuer.example/nowhere" })
		}}, 501661, 400},
		"an unknown client":       {arrange{client: func(o *azidentity.WorkloadIdentityCredentialOptions) { o.ClientID = kubelet }}, 700016, 400},
		"an unknown tenant":       {arrange{client: func(o *azidentity.WorkloadIdentityCredentialOptions) { o.TenantID = kubelet }}, 90002, 400},
		"a disabled application":  {arrange{identity: func(id *credentialtest.Identity) { id.Disabled = true }}, 7000112, 401},
		"an unknown resource":     {arrange{scope: "https://nowhere.example/.default"}, 500011, 400},
		"an assertion of nothing": {arrange{raw: "\n"}, 50027, 400},
		"an assertion of rubbish": {arrange{raw: "a.b.c"}, 50027, 400},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, credentialtest.EntraOptions{Resources: []string{resource}})
			id := identity()
			if tt.identity != nil {
				tt.identity(&id)
			}
			w.dir.Put(id)
			if tt.world != nil {
				tt.world(w)
			}
			raw := tt.raw
			if raw == "" {
				raw = w.mint(t, tt.token)
			}
			o := scopes
			if tt.scope != "" {
				o.Scopes = []string{tt.scope}
			}
			_, err := workload(t, w.hosts, raw, tt.client).GetToken(t.Context(), o)
			if code, status := refusedWith(t, err); code != tt.code || status != tt.status {
				t.Errorf("refused with AADSTS%d, status %d; want AADSTS%d, status %d\n%v", code, status, tt.code, tt.status, err)
			}
			last := w.entra.Exchanges()
			if n := len(last); n != 1 || last[0].Code != tt.code || w.entra.Counts()[tt.code] != 1 {
				t.Errorf("recorded %+v", last)
			}
			if strings.Contains(raw, ".") && strings.Contains(err.Error(), raw) {
				t.Error("the answer repeats the assertion")
			}
		})
	}
}

func TestEntraGrantsASignedTokenOfTheRightIdentity(t *testing.T) {
	for name, tt := range map[string]struct {
		opts    credentialtest.EntraOptions
		request policy.TokenRequestOptions
		want    credentialtest.Claims
		life    time.Duration
	}{
		"version 1": {
			want: credentialtest.Claims{"appid": client, "azp": nil, "xms_cc": nil, "ver": "1.0"}, life: 24 * time.Hour,
		},
		"version 2, shorter": {
			opts: credentialtest.EntraOptions{V2Tokens: true, TokenLifetime: time.Hour},
			want: credentialtest.Claims{"azp": client, "appid": nil, "ver": "2.0"}, life: time.Hour,
		},
		"with CAE": {
			request: policy.TokenRequestOptions{EnableCAE: true},
			want:    credentialtest.Claims{"xms_cc": []any{"CP1"}}, life: 24 * time.Hour,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, tt.opts)
			tt.request.Scopes = scopes.Scopes
			got, err := workload(t, w.hosts, w.mint(t, credentialtest.ServiceAccountToken{Claims: credentialtest.Claims{"jti": "one"}}), nil).GetToken(t.Context(), tt.request)
			if err != nil {
				t.Fatal(err)
			}
			claims, err := w.entra.Verify(got.Token)
			if err != nil {
				t.Fatal(err)
			}
			tt.want["aud"], tt.want["tid"], tt.want["oid"], tt.want["xms_mirid"], tt.want["idtyp"] = resource, tenant, object, armID, "app"
			for name, want := range tt.want {
				if diff := cmp.Diff(want, claims[name]); diff != "" {
					t.Errorf("claim %s (-want +got):\n%s", name, diff)
				}
			}
			if left := time.Until(got.ExpiresOn); left < tt.life-time.Minute || left > tt.life {
				t.Errorf("token lives %v, want %v", left, tt.life)
			}
			if wantRefresh := tt.life > 2*time.Hour; got.RefreshOn.IsZero() == wantRefresh {
				t.Errorf("RefreshOn = %v, want one: %v", got.RefreshOn, wantRefresh)
			}
			if x := w.entra.Exchanges(); len(x) != 1 || x[0].CAE != tt.request.EnableCAE || x[0].Subject != subject || x[0].TokenID != "one" || x[0].CorrelationID == "" {
				t.Errorf("recorded %+v", x)
			}
		})
	}
}

func TestVerifyRefusesTokensThatAreNotEntras(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{TokenLifetime: time.Hour})
		good, err := w.entra.Issue(identity(), resource)
		if err != nil {
			t.Fatal(err)
		}
		for name, raw := range map[string]string{
			"a service-account token": w.mint(t, credentialtest.ServiceAccountToken{}),
			"a changed payload":       good.Value[:len(good.Value)-8] + "AAAAAAAA",
			"rubbish":                 "a.b.c",
			"nothing":                 "",
		} {
			if _, err := w.entra.Verify(raw); err == nil {
				t.Errorf("%s is accepted", name)
			}
		}
		if _, err := w.entra.Verify(good.Value); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		if _, err := w.entra.Verify(good.Value); err == nil {
			t.Error("an expired token is accepted")
		}
	})
}

func TestEntraOverTLSServesRealAzidentity(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	server, err := credentialtest.Serve(w.entra, &credentialtest.ServerOptions{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	cred := workload(t, server.Client(), w.mint(t, credentialtest.ServiceAccountToken{}), func(o *azidentity.WorkloadIdentityCredentialOptions) {
		o.Cloud, o.DisableInstanceDiscovery = server.Cloud(), true
	})
	if _, err := cred.GetToken(t.Context(), scopes); err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(server.CertificatePEM())
	if block == nil {
		t.Fatal("no certificate to trust")
	}
	if cert, err := x509.ParseCertificate(block.Bytes); err != nil || cert.VerifyHostname("127.0.0.1") != nil {
		t.Errorf("certificate does not name 127.0.0.1: %v", err)
	}
}

func TestEntraReadsIssuersThroughTheGivenTransport(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	server, err := credentialtest.Serve(w.issuer, &credentialtest.ServerOptions{TLS: true, Names: []string{"issuer.example"}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	real := newWorld(t, credentialtest.EntraOptions{Transport: server.Transport("")})
	raw := w.mint(t, credentialtest.ServiceAccountToken{})
	if _, err := workload(t, real.hosts, raw, nil).GetToken(t.Context(), scopes); err != nil {
		t.Fatal(err)
	}
	if got := w.issuer.Fetches(); got["/.well-known/openid-configuration"] != 1 || got["/openid/v1/jwks"] != 1 {
		t.Errorf("fetched %v", got)
	}
	// A client that does not know the server's CA does not get through, and Entra says so.
	untrusting := newWorld(t, credentialtest.EntraOptions{Transport: &http.Transport{DialContext: server.Transport("").DialContext}})
	_, err = workload(t, untrusting.hosts, raw, nil).GetToken(t.Context(), scopes)
	if code, _ := refusedWith(t, err); code != 90061 {
		t.Errorf("AADSTS%d, want 90061", code)
	}
}

func TestTrustFailsClosed(t *testing.T) {
	broken := credentialtest.TrustFunc(func(context.Context, string, string) (credentialtest.Identity, error) {
		return credentialtest.Identity{}, errors.New("the directory is down")
	})
	hosts := credentialtest.Hosts{}
	entra, err := credentialtest.NewEntra(broken, &credentialtest.EntraOptions{Transport: hosts, Key: entraKey()})
	if err != nil {
		t.Fatal(err)
	}
	hosts["login.microsoftonline.com"] = entra
	cred := workload(t, hosts, "a.b.c", func(o *azidentity.WorkloadIdentityCredentialOptions) { o.Retry.MaxRetries = -1 })
	_, err = cred.GetToken(t.Context(), scopes)
	if code, status := refusedWith(t, err); code != 90090 || status != 500 {
		t.Errorf("AADSTS%d with status %d", code, status)
	}
	if strings.Contains(err.Error(), "the directory is down") {
		t.Error("an internal error is told to the client")
	}
	if _, err := credentialtest.NewEntra(nil, nil); err == nil {
		t.Error("a nil Trust is accepted")
	}
}
