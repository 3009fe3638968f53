package credential_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

func TestAFederatedCredentialThatPropagatesIsWaitedFor(t *testing.T) {
	for _, c := range []struct {
		name        string
		propagation time.Duration
		negative    time.Duration
		within      time.Duration
	}{
		{"at once", 0, 0, 0},
		{"after ten seconds", 10 * time.Second, 0, 25 * time.Second},
		{"after a minute", time.Minute, 0, 75 * time.Second},
		{"after a minute, with five seconds of negative caching", time.Minute, 5 * time.Second, 90 * time.Second},
		{"after two and a half minutes", 150 * time.Second, 0, 165 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, credentialtest.EntraOptions{Propagation: c.propagation, NegativeCache: c.negative})
				w.federate(t)
				start := time.Now()
				token, err := w.workload(t, nil).GetToken(t.Context(), ask(scope))
				if err != nil {
					t.Fatal(err)
				}
				if owner(t, token) != w.client {
					t.Errorf("token of %s", owner(t, token))
				}
				if took := time.Since(start); took > c.within {
					t.Errorf("took %s, want %s at most", took, c.within)
				}
				if n := w.entra.Total(); n > 4+int(c.within/(6*time.Second)) {
					t.Errorf("%d requests: Entra's negative cache punishes hurry", n)
				}
			})
		})
	}
}

func TestTheNoiseOfAHealthyFederationIsAbsorbed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{Noise: 0.05, Seed: 7})
		w.federate(t)
		cred := w.workload(t, nil)
		for range 300 { // claims make every call a request
			o := policy.TokenRequestOptions{Scopes: []string{scope}, Claims: `{"access_token":{"nbf":{"essential":true}}}`}
			if _, err := cred.GetToken(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		if w.entra.Total() <= 300 {
			t.Error("the double made no noise: the test shows nothing")
		}
	})
}

func TestTheRequestPathIsShortTemperedOnceThereWasAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		w.federate(t)
		cred := w.workload(t, nil)
		if _, err := cred.GetToken(t.Context(), ask(scope)); err != nil {
			t.Fatal(err)
		}
		w.entra.SetRule(credentialtest.Always(credentialtest.Answer{Code: 700213}))
		start := time.Now()
		_, err := cred.GetToken(t.Context(), ask("https://other.example/.default"))
		if !errors.Is(err, credential.ErrNotFederated) {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 17*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestAnExpiredAssertionIsReadAgainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		w.federate(t)
		w.project(t, credentialtest.ServiceAccountToken{Lifetime: -time.Hour})
		cred := w.workload(t, func(o *credential.Options) {
			o.OnEvent = func(e credential.Event) {
				if e.Decision == "assertion/expired" { // the kubelet renews the token
					w.project(t, credentialtest.ServiceAccountToken{})
				}
			}
		})
		start := time.Now()
		if _, err := cred.GetToken(t.Context(), ask(scope)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %s", took)
		}
		if got := w.entra.Counts(); got[700024] != 1 || got[0] != 1 {
			t.Errorf("exchanges by code: %v", got)
		}
	})
}

func TestARotatedServiceAccountTokenIsUsedFromThenOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		w.federate(t)
		cred := w.workload(t, nil)
		if _, err := cred.GetToken(t.Context(), ask(scope)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // azidentity would keep the old assertion for ten minutes
		w.project(t, credentialtest.ServiceAccountToken{Claims: credentialtest.Claims{"sub": "system:serviceaccount:payments:renamed"}})
		_, err := cred.GetToken(t.Context(), ask("https://other.example/.default"))
		if !errors.Is(err, credential.ErrNotFederated) || !strings.Contains(err.Error(), "renamed") {
			t.Errorf("the old assertion was sent: %v", err)
		}
	})
}

func TestWrongDiscoveryDocumentsAreNotRemembered(t *testing.T) {
	for name, wrong := range map[string]string{
		"a captive proxy's page": "<html>Sign in</html>", "an empty object": "{}", "another endpoint": `{"issuer":"https://login.microsoftonline.com/` + tenant + `/v2.0","authorization_endpoint":"https://wrong.example/a","token_endpoint":"https://wrong.example/t","jwks_uri":"https://wrong.example/k"}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, credentialtest.EntraOptions{})
				w.federate(t)
				start := time.Now()
				net := transport(func(r *http.Request) (*http.Response, error) {
					if time.Since(start) < 20*time.Second && strings.HasSuffix(r.URL.Path, "/openid-configuration") {
						return says(200, "", wrong)(r)
					}
					return w.hosts.Do(r)
				})
				cred := w.workload(t, func(o *credential.Options) { o.Transport = net })
				if _, err := cred.GetToken(t.Context(), ask(scope)); err != nil {
					t.Fatal(err)
				}
				if late := time.Since(start) - 20*time.Second; late > 2*time.Second {
					t.Errorf("%s late", late)
				}
			})
		})
	}
}

func TestCAEAndClaimsReachEntra(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	w.federate(t)
	var bodies []string
	cred := w.workload(t, func(o *credential.Options) {
		o.Transport = transport(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				bodies = append(bodies, r.PostForm.Get("claims"))
				r.Body = http.NoBody
				return says(400, "", `{"error_codes":[90002]}`)(r)
			}
			return w.hosts.Do(r)
		})
	})
	_, _ = cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{scope}, EnableCAE: true, Claims: `{"access_token":{"x":null}}`})
	if len(bodies) != 1 || !strings.Contains(bodies[0], "CP1") || !strings.Contains(bodies[0], `"x"`) {
		t.Errorf("claims sent: %q", bodies)
	}
}

func TestErrorsReachAzidentitys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		w.entra.SetRule(credentialtest.Always(credentialtest.Answer{Code: 90002}))
		_, err := w.workload(t, nil).GetToken(t.Context(), ask(scope))
		var bare *azidentity.AuthenticationFailedError
		if !errors.As(err, &bare) || bare.RawResponse == nil || bare.RawResponse.StatusCode != http.StatusBadRequest {
			t.Errorf("error does not reach azidentity's with its response: %v", err)
		}
		var final interface{ NonRetriable() }
		if !errors.As(err, &final) {
			t.Error("azcore would retry the error")
		}
	})
}

func TestFederationErrorsSayWhatWasPresentedAndWhatDiffers(t *testing.T) {
	cases := []struct {
		name  string
		trust credentialtest.FederatedCredential
		want  []string
	}{
		{"nothing is federated", credentialtest.FederatedCredential{},
			[]string{"AADSTS70025", "no federated credential at all", `issuer "` + issuer + `"`, `subject "` + subject + `"`, `audience "api://AzureADTokenExchange"`, "create one"}},
		{"another subject", credentialtest.FederatedCredential{Issuer: issuer, Subject: "system:serviceaccount:payments:other", Audience: credentialtest.ExchangeAudience},
			[]string{"no federated credential on", `subject "` + subject + `"`, "AADSTS700213", "none for this subject"}},
		{"the trailing slash of the issuer is missing", credentialtest.FederatedCredential{Issuer: strings.TrimSuffix(issuer, "/"), Subject: subject, Audience: credentialtest.ExchangeAudience},
			[]string{"no federated credential on", "none for this issuer, which ends in a slash", "AADSTS700211"}},
		{"the subject in another letter case", credentialtest.FederatedCredential{Issuer: issuer, Subject: strings.ToUpper(subject), Audience: credentialtest.ExchangeAudience},
			[]string{"letter case"}},
		{"another audience", credentialtest.FederatedCredential{Issuer: issuer, Subject: subject, Audience: "api://other"},
			[]string{"audience", "AADSTS700212", "api://AKSIdentityBinding"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, credentialtest.EntraOptions{})
				if c.trust.Issuer != "" {
					c.trust.Name = "x"
					if err := w.dir.Federate(w.client, c.trust); err != nil {
						t.Fatal(err)
					}
				}
				_, err := w.workload(t, func(o *credential.Options) { o.StartupWindow = 2 * time.Second; o.SteadyWindow = -1 }).GetToken(t.Context(), ask(scope))
				if err == nil {
					t.Fatal("no error")
				}
				for _, want := range c.want {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("the error does not say %q:\n%v", want, err)
					}
				}
				if len(err.Error()) > 1200 || strings.Contains(err.Error(), "-----") {
					t.Errorf("the error is not for people:\n%v", err)
				}
			})
		})
	}
}

func TestAnIdentityBindingIsUsedWhereThePodHasOne(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	binding := w.trust()
	binding.Audience = "api://AKSIdentityBinding"
	if err := w.dir.Federate(w.client, binding); err != nil {
		t.Fatal(err)
	}
	w.project(t, credentialtest.ServiceAccountToken{Audience: "api://AKSIdentityBinding"})
	server, err := credentialtest.Serve(w.entra, &credentialtest.ServerOptions{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	// azidentity reads these from the process.
	t.Setenv("AZURE_KUBERNETES_TOKEN_PROXY", server.URL)
	t.Setenv("AZURE_KUBERNETES_CA_DATA", string(server.CertificatePEM()))
	cred := create(t, credential.Options{DisableInstanceDiscovery: true, LookupEnv: func(name string) (string, bool) {
		if v, ok := w.env(name); ok {
			return v, ok
		}
		return os.LookupEnv(name)
	}}, nil)
	token, err := cred.GetToken(t.Context(), ask(scope))
	if err != nil || owner(t, token) != w.client {
		t.Fatal(err)
	}
	if s := cred.Status(); !s.Binding || s.Path != credential.WorkloadIdentity {
		t.Errorf("status %+v does not show the binding", s)
	}
}

func TestTheMigrationProxyIsRecognised(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		token, err := w.entra.Issue(w.identity(), "https://storage.azure.com")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		cred := w.pod(t, transport(func(r *http.Request) (*http.Response, error) {
			if time.Since(start) < 20*time.Second {
				return says(500, proxy, "failed to acquire token: AADSTS700213: No matching federated identity record found")(r)
			}
			return says(200, proxy, `{"access_token":"`+token.Value+`","expires_in":"3600"}`)(r)
		}), nil)
		if _, err := cred.GetToken(t.Context(), ask(scope)); err != nil {
			t.Fatal(err)
		}
		s := cred.Status()
		if s.AnsweredBy != credential.SourceProxy || s.LastFailure.Decision != "federation/no-match" {
			t.Errorf("status %+v, last failure %+v", s, s.LastFailure)
		}
	})
}

func TestNMIsHoldIsSatOut(t *testing.T) {
	for _, assigned := range []time.Duration{30, 70, 90, 130, 170} {
		t.Run((assigned * time.Second).String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, credentialtest.EntraOptions{})
				w.imds.Attach(w.identity())
				node := w.newNode()
				gateway := newGateway(t, w, credentialtest.NMIOptions{}, node)
				start := time.Now()
				node.AssignLater("payments", "api-0", w.azureIdentity(), 3*time.Second, assigned*time.Second)
				token, err := w.pod(t, gateway.Dial(podIP, false), nil).GetToken(t.Context(), ask(scope))
				if err != nil || owner(t, token) != w.client {
					t.Fatal(err)
				}
				if late := time.Since(start) - assigned*time.Second; late > 2*time.Second {
					t.Errorf("%s late", late)
				}
			})
		})
	}
}

var _ azcore.TokenCredential = (*credential.Credential)(nil)
