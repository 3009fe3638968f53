package credential_test

import (
	"errors"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

func TestThePathComesFromThePodsEnvironment(t *testing.T) {
	const id, other = "aaaaaaaa-0000-4000-8000-000000000000", "bbbbbbbb-0000-4000-8000-000000000000"
	webhook := map[string]string{"AZURE_CLIENT_ID": id, "AZURE_TENANT_ID": tenant, "AZURE_FEDERATED_TOKEN_FILE": "/token"}
	without := func(name string) map[string]string {
		env := map[string]string{}
		for k, v := range webhook {
			if k != name {
				env[k] = v
			}
		}
		return env
	}
	with := func(name, value string) map[string]string {
		env := without("")
		env[name] = value
		return env
	}
	cases := []struct {
		name       string
		env        map[string]string
		options    credential.Options
		path       credential.Path
		clientID   string
		setting    string // of the ConfigError
		noIdentity bool
	}{
		{name: "the webhook's variables mean workload identity", env: webhook, path: credential.WorkloadIdentity, clientID: id},
		{name: "options win over variables", env: webhook, options: credential.Options{ClientID: other}, path: credential.WorkloadIdentity, clientID: other},
		{name: "no token file means pod identity", env: map[string]string{"AZURE_CLIENT_ID": id}, path: credential.PodIdentity, clientID: id},
		{name: "pod identity can be forced", env: webhook, options: credential.Options{Path: credential.PodIdentity}, path: credential.PodIdentity, clientID: id},
		{name: "workload identity can be forced", env: nil, options: credential.Options{Path: credential.WorkloadIdentity}, setting: "AZURE_FEDERATED_TOKEN_FILE"},
		{name: "a token file without a client ID is an error, not a silent turn to the node", env: without("AZURE_CLIENT_ID"), setting: "AZURE_CLIENT_ID"},
		{name: "so is one without a tenant", env: without("AZURE_TENANT_ID"), setting: "AZURE_TENANT_ID"},
		{name: "no identity at all", env: nil, setting: "ClientID", noIdentity: true},
		{name: "the node's identity only if allowed", env: nil, options: credential.Options{AllowNodeIdentity: true}, path: credential.PodIdentity},
		{name: "another managed identity endpoint is not the metadata endpoint", env: map[string]string{"AZURE_CLIENT_ID": id, "MSI_ENDPOINT": "http://x"}, setting: "MSI_ENDPOINT"},
		{name: "half an identity binding", env: with("AZURE_KUBERNETES_CA_FILE", "/ca"), setting: "AZURE_KUBERNETES_TOKEN_PROXY"},
		{name: "an unknown path", env: webhook, options: credential.Options{Path: "sideways"}, setting: "Path"},
		{name: "an authority that is not https", env: with("AZURE_AUTHORITY_HOST", "http://x"), setting: "WorkloadIdentity"},
		{name: "an authority of a national cloud", env: with("AZURE_AUTHORITY_HOST", cloud.AzureGovernment.ActiveDirectoryAuthorityHost), path: credential.WorkloadIdentity, clientID: id},
		{name: "a cloud given in the options", env: webhook, options: credential.Options{ClientOptions: azcore.ClientOptions{Cloud: cloud.AzureChina}}, path: credential.WorkloadIdentity, clientID: id},
		{name: "empty variables count as missing", env: map[string]string{"AZURE_CLIENT_ID": "", "AZURE_FEDERATED_TOKEN_FILE": ""}, setting: "ClientID", noIdentity: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.options.LookupEnv = func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }
			cred, err := credential.New(&c.options)
			if c.setting != "" {
				var config *credential.ConfigError
				if !errors.As(err, &config) || config.Setting != c.setting || config.Remedy == "" && config.Err == nil {
					t.Fatalf("got %v, want an error about %s with a remedy", err, c.setting)
				}
				if errors.Is(err, credential.ErrNoIdentity) != c.noIdentity {
					t.Errorf("ErrNoIdentity: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s := cred.Status(); s.Path != c.path || s.ClientID != c.clientID {
				t.Errorf("path %s, client %s", s.Path, s.ClientID)
			}
		})
	}
}

func TestTheEnvironmentIsPinnedAtConstruction(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	w.federate(t)
	env := map[string]string{"AZURE_CLIENT_ID": w.client, "AZURE_TENANT_ID": tenant, "AZURE_FEDERATED_TOKEN_FILE": w.file}
	cred := create(t, credential.Options{ClientOptions: azcore.ClientOptions{Transport: w.hosts},
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}, nil)
	clear(env)
	for _, name := range []string{"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"} {
		t.Setenv(name, "changed")
	}
	t.Setenv("AZURE_AUTHORITY_HOST", "https://changed.example/")
	if _, err := cred.GetToken(t.Context(), ask(scope)); err != nil {
		t.Error(err)
	}
}

func TestRequestsNobodyCanAnswerAreRefused(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	var config *credential.ConfigError
	for _, scopes := range [][]string{nil, {""}, {"a", "b"}} {
		if _, err := w.pod(t, w.hosts, nil).GetToken(t.Context(), ask(scopes...)); !errors.As(err, &config) {
			t.Errorf("%q: %v", scopes, err)
		}
	}
}
