package credentialtest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

func TestIMDSAnswersForTheNode(t *testing.T) {
	system := credentialtest.Identity{TenantID: tenant, ClientID: "system", ObjectID: "system"}
	kube := credentialtest.Identity{TenantID: tenant, ClientID: kubelet, ObjectID: "kubelet-object", ResourceID: "/kubelet"}
	mine := credentialtest.Identity{TenantID: tenant, ClientID: app, ObjectID: object, ResourceID: armID}
	for name, tt := range map[string]struct {
		opts   credentialtest.IMDSOptions
		query  string
		bare   bool
		fault  *credentialtest.Canned
		status int
		body   string
	}{
		"no ID, the kubelet's identity only": {opts: credentialtest.IMDSOptions{UserAssigned: []credentialtest.Identity{kube}}, query: noID, status: 200, body: `"client_id":"` + kubelet + `"`},
		"no ID, a system-assigned identity":  {opts: credentialtest.IMDSOptions{SystemAssigned: &system, UserAssigned: []credentialtest.Identity{kube, mine}}, query: noID, status: 200, body: `"client_id":"system"`},
		"no ID, several identities":          {opts: credentialtest.IMDSOptions{UserAssigned: []credentialtest.Identity{kube, mine}}, query: noID, status: 400, body: "Multiple user assigned identities exist, please specify the clientId / resourceId"},
		"no ID, no identity":                 {query: noID, status: 400, body: "Identity not found"},
		"an attached client ID":              {opts: credentialtest.IMDSOptions{UserAssigned: []credentialtest.Identity{kube, mine}}, query: byClient, status: 200, body: `"client_id":"` + app + `"`},
		"an attached resource ID":            {opts: credentialtest.IMDSOptions{UserAssigned: []credentialtest.Identity{kube, mine}}, query: byArmID, status: 200, body: `"client_id":"` + app + `"`},
		"an attached object ID":              {opts: credentialtest.IMDSOptions{UserAssigned: []credentialtest.Identity{kube, mine}}, query: noID + "&object_id=kubelet-object", status: 200, body: kubelet},
		"a client ID that is not attached":   {opts: credentialtest.IMDSOptions{UserAssigned: []credentialtest.Identity{kube}}, query: byClient, status: 400, body: `{"error":"invalid_request","error_description":"Identity not found"}`},
		"no resource":                        {query: "?client_id=x", status: 400, body: "'resource' is missing"},
		"no metadata header":                 {query: noID, bare: true, status: 400, body: "Required metadata header not specified"},
		"a fault":                            {query: noID, fault: &credentialtest.Canned{Status: 410}, status: 410},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, credentialtest.EntraOptions{})
			imds, err := credentialtest.NewIMDS(w.entra, &tt.opts)
			if err != nil {
				t.Fatal(err)
			}
			if tt.fault != nil {
				imds.Fail(tt.fault)
			}
			header := metadata
			if tt.bare {
				header = nil
			}
			status, got, body := ask(t, credentialtest.InMemory(imds), credentialtest.TokenURL+tt.query, header)
			if status != tt.status || !strings.Contains(body, tt.body) {
				t.Errorf("%d %s, want %d %s", status, body, tt.status, tt.body)
			}
			if !strings.HasPrefix(got.Get("Server"), "IMDS/150.870.65.") {
				t.Errorf("Server is %q", got.Get("Server"))
			}
			if imds.Requests() != 1 {
				t.Errorf("%d requests counted", imds.Requests())
			}
		})
	}
	if _, err := credentialtest.NewIMDS(nil, nil); err == nil {
		t.Error("an IMDS without an Entra")
	}
}

func TestAzidentityAgainstIMDS(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	imds, err := credentialtest.NewIMDS(w.entra, nil)
	if err != nil {
		t.Fatal(err)
	}
	clientID := freshClient()
	cred := managed(t, credentialtest.InMemory(imds), azidentity.ClientID(clientID))
	_, err = cred.GetToken(t.Context(), scopes)
	if failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); !ok || failed.RawResponse.StatusCode != 400 {
		t.Fatalf("not attached, and yet: %v", err)
	}
	imds.Attach(credentialtest.Identity{TenantID: tenant, ClientID: clientID, ObjectID: object})
	got, err := cred.GetToken(t.Context(), scopes)
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := w.entra.Verify(got.Token); err != nil || claims.String("appid") != clientID || claims["xms_mirid"] != nil {
		t.Errorf("token of %v: %v", claims, err)
	}
}
