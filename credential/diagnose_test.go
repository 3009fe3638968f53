package credential_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

func TestDiagnoseAsksForTheResourceManagerOfTheCloud(t *testing.T) {
	for name, tc := range map[string]struct {
		cloud cloud.Configuration
		env   string // AZURE_AUTHORITY_HOST
		want  string
	}{
		"the public cloud":              {want: "https://management.azure.com"},
		"a cloud of the options":        {cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: "https://login.chinacloudapi.cn"}, want: "https://management.core.chinacloudapi.cn"},
		"a cloud of the environment":    {env: "https://login.microsoftonline.us/", want: "https://management.core.usgovcloudapi.net"},
		"a cloud that says it all":      {cloud: cloud.Configuration{Services: map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Audience: "https://arm.example/"}}}, want: "https://arm.example"},
		"a cloud that is known nowhere": {env: "https://login.example/", want: "https://management.azure.com"},
	} {
		t.Run(name, func(t *testing.T) {
			asked, env := "", map[string]string{"AZURE_AUTHORITY_HOST": tc.env}
			opts := &credential.Options{
				ClientOptions: azcore.ClientOptions{Cloud: tc.cloud}, Path: credential.PodIdentity, ClientID: "11111111-1111-1111-1111-111111111111",
				LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
				IMDSTransport: transport(func(r *http.Request) (*http.Response, error) {
					asked = r.URL.Query().Get("resource")
					return nil, errors.New("enough")
				}),
			}
			c, err := credential.New(opts)
			if err != nil {
				t.Fatal(err)
			}
			if c.Diagnose(t.Context(), ""); asked != tc.want {
				t.Errorf("asked for %q, want %q", asked, tc.want)
			}
		})
	}
}

func TestDiagnoseFindsWhatIsWrong(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(t *testing.T, w *world)
		fails []string // checks
		say   string
	}{
		{"nothing", func(*testing.T, *world) {}, nil, "valid until"},
		{"the token file is missing", func(t *testing.T, w *world) { remove(t, w.file) }, []string{"token file", "request"}, "no such file"},
		{"the audience is another", func(t *testing.T, w *world) {
			w.project(t, credentialtest.ServiceAccountToken{Audience: "api://AKSIdentityBinding"})
		}, []string{"audience", "request"}, "AZURE_KUBERNETES_TOKEN_PROXY"},
		{"the token has expired", func(t *testing.T, w *world) {
			w.project(t, credentialtest.ServiceAccountToken{Lifetime: -time.Hour})
		}, []string{"token times", "request"}, "kubelet"},
		{"the node's clock is behind", func(t *testing.T, w *world) {
			w.project(t, credentialtest.ServiceAccountToken{NotBefore: time.Now().Add(time.Hour)})
		}, []string{"token times", "request"}, "set the node's clock"},
		{"the issuer's document names another issuer", func(_ *testing.T, w *world) {
			w.issuer.Distort(func(document map[string]any) { document["issuer"] = strings.TrimSuffix(issuer, "/") })
		}, []string{"issuer", "request"}, "trailing slash"},
		{"the issuer does not answer", func(_ *testing.T, w *world) {
			w.issuer.Fail(credentialtest.Canned{Status: 404})
		}, []string{"issuer", "request"}, "could not be fetched"},
		{"the federated credential is gone", func(t *testing.T, w *world) {
			if err := w.dir.Unfederate(w.client, w.trust().Name); err != nil {
				t.Fatal(err)
			}
		}, []string{"request"}, "no federated credential on"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, credentialtest.EntraOptions{})
				w.federate(t)
				c.spoil(t, w)
				start := time.Now()
				d := w.workload(t, nil).Diagnose(t.Context(), "")
				if time.Since(start) != 0 {
					t.Error("it retried")
				}
				var fails []string
				for _, check := range d.Checks {
					if check.Result != credential.Pass {
						fails = append(fails, check.Name)
						if check.Remedy == "" {
							t.Errorf("no remedy for %s", check.Name)
						}
					}
				}
				if strings.Join(fails, ", ") != strings.Join(c.fails, ", ") || d.OK() != (len(c.fails) == 0) {
					t.Errorf("failed: %v, want %v\n%s", fails, c.fails, d)
				}
				if !strings.Contains(d.String(), c.say) {
					t.Errorf("the text does not say %q:\n%s", c.say, d)
				}
			})
		})
	}
}

func TestDiagnoseOnTheMetadataPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		cred := w.pod(t, credentialtest.InMemory(w.imds), nil)
		if d := cred.Diagnose(t.Context(), scope); d.OK() || !strings.Contains(d.String(), "imds/not-assigned") {
			t.Errorf("before:\n%s", d)
		}
		w.imds.Attach(w.identity())
		if d := cred.Diagnose(t.Context(), scope); !d.OK() || d.Path != credential.PodIdentity {
			t.Errorf("after:\n%s", d)
		}
		hung := w.pod(t, transport(hangs), nil)
		if d := hung.Diagnose(t.Context(), scope); d.OK() || d.Checks[len(d.Checks)-1].Result != credential.Unknown {
			t.Errorf("no answer is unknown, not a verdict:\n%s", d)
		}
	})
}
