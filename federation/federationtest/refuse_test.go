package federationtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

const armPath = "https://management.azure.com/subscriptions/sub/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"

// send makes one raw request and returns the status, the error code and message, and the headers.
func send(t *testing.T, s *federationtest.Service, method, url, body string, header ...string) (int, string, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer opaque")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Do(req)
	if err != nil {
		return 0, "", err.Error(), nil
	}
	defer resp.Body.Close()
	var answer struct {
		Error struct{ Code, Message string }
	}
	if resp.StatusCode >= 400 && json.NewDecoder(resp.Body).Decode(&answer) != nil {
		t.Errorf("%s %s: HTTP %d without a JSON error", method, url, resp.StatusCode)
	}
	return resp.StatusCode, answer.Error.Code, answer.Error.Message, resp.Header
}

func armCredentialBody(issuer, subject string, audiences ...string) string {
	raw, _ := json.Marshal(map[string]any{"properties": map[string]any{"issuer": issuer, "subject": subject, "audiences": audiences}})
	return string(raw)
}

func TestARMRefusesWhatAzureRefuses(t *testing.T) {
	full := make([]federation.Credential, 20)
	for i := range full {
		full[i] = federation.Credential{Name: fmt.Sprintf("c-%02d", i), Issuer: "https://i.example/", Subject: fmt.Sprintf("s%d", i), Audience: "a"}
	}
	good := armCredentialBody("https://new.example/", "subject", "a")
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
		code, says               string
	}{
		{"no audience", "PUT", "id/federatedIdentityCredentials/abc", armCredentialBody("https://x/", "s"), 400, "BadRequest", "must specify"},
		{"two audiences", "PUT", "id/federatedIdentityCredentials/abc", armCredentialBody("https://x/", "s", "a", "b"), 400, "BadRequest", "exactly one audience"},
		{"an empty body", "PUT", "id/federatedIdentityCredentials/abc", "", 400, "BadRequest", "must specify issuer, subject and audience"},
		{"a body that is no JSON", "PUT", "id/federatedIdentityCredentials/abc", "{", 400, "InvalidRequestContent", ""},
		{"an illegal name", "PUT", "id/federatedIdentityCredentials/ab=", good, 400, "BadRequest", "name 'ab=' is invalid"},
		{"a name of two letters", "PUT", "id/federatedIdentityCredentials/ab", good, 400, "BadRequest", "is invalid"},
		{"a missing identity", "PUT", "nobody/federatedIdentityCredentials/abc", good, 404, federation.CodeParentNotFound, "not found"},
		{"the same pair under another name", "PUT", "full/federatedIdentityCredentials/abc", armCredentialBody("https://i.example/", "s3", "a"), 400, "BadRequest", "Issuer and subject combination already exists"},
		{"the 21st credential", "PUT", "full/federatedIdentityCredentials/abc", good, 400, "BadRequest", "Too many Federated Identity Credentials"},
		{"an unsupported region", "PUT", "far/federatedIdentityCredentials/abc", good, 405, "MethodNotAllowed", "Support for federated identity credentials not enabled"},
		{"a missing credential", "GET", "id/federatedIdentityCredentials/abc", "", 404, "ResourceNotFound", "not found"},
		{"an unknown method", "PATCH", "id/federatedIdentityCredentials/abc", good, 405, "MethodNotAllowed", "does not support"},
		{"another provider's path", "GET", "id/somethingElse", "", 404, "InvalidResourceType", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cloud := federationtest.NewCloud(nil)
			for name, region := range map[string]string{"id": "eastus", "full": "eastus", "far": "malaysiasouth"} {
				i := catalog.Identity{Kind: catalog.UserAssigned, ResourceID: "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + name}
				if cloud.Add(i, region); name == "full" {
					cloud.Add(i, region, full...)
				}
			}
			status, code, message, _ := send(t, cloud.ARM(), tc.method, armPath+tc.path+"?api-version=2024-11-30", tc.body)
			if status != tc.status || code != tc.code || !strings.Contains(message, tc.says) {
				t.Errorf("HTTP %d %s %q, want %d %s …%s…", status, code, message, tc.status, tc.code, tc.says)
			}
		})
	}
	t.Run("no api-version", func(t *testing.T) {
		if status, code, _, _ := send(t, federationtest.NewCloud(nil).ARM(), "GET", armPath+"id", ""); status != 400 || code != "MissingApiVersionParameter" {
			t.Errorf("HTTP %d %s", status, code)
		}
	})
	t.Run("no token", func(t *testing.T) {
		if status, code, _, _ := send(t, federationtest.NewCloud(nil).ARM(), "GET", armPath+"id?api-version=1", "", "Authorization", ""); status != 401 || code != "AuthenticationFailed" {
			t.Errorf("HTTP %d %s", status, code)
		}
	})
}

func TestGraphRefusesWhatGraphRefuses(t *testing.T) {
	const app = "https://graph.microsoft.com/v1.0/applications(appId='99999999-0000-0000-0000-000000000009')/federatedIdentityCredentials"
	body := func(name, issuer, subject string) string {
		raw, _ := json.Marshal(map[string]any{"name": name, "issuer": issuer, "subject": subject, "audiences": []string{"a"}, "description": "by hand"})
		return string(raw)
	}
	for _, tc := range []struct {
		name, method, url, body string
		prefer                  string
		status                  int
		code                    string
	}{
		{"a credential is created", "POST", app, body("new", "https://n/", "s"), "", 201, ""},
		{"the same name twice", "POST", app, body("old", "https://n/", "s"), "", 409, federation.CodeGraphSameKey},
		{"the same pair twice", "POST", app, body("new", "https://o/", "s"), "", 400, federation.CodeGraphInvalidValue},
		{"an update of what is absent", "PATCH", app + "(name='new')", body("", "https://n/", "s"), "", 404, "Request_ResourceNotFound"},
		{"a create-if-missing of what is absent", "PATCH", app + "(name='new')", body("", "https://n/", "s"), "create-if-missing", 201, ""},
		{"a create-if-missing of what is there", "PATCH", app + "(name='old')", `{"issuer":"https://n/"}`, "create-if-missing", 204, ""},
		{"an update by name in the path", "PATCH", app + "/old", `{"subject":"t"}`, "", 204, ""},
		{"a delete", "DELETE", app + "/old", "", "", 204, ""},
		{"a delete of what is absent", "DELETE", app + "/new", "", "", 404, "Request_ResourceNotFound"},
		{"a missing application", "GET", strings.Replace(app, "9999", "8888", 1), "", "", 404, "Request_ResourceNotFound"},
		{"a managed identity is no application", "GET", strings.Replace(app, "99999999-0000-0000-0000-000000000009", id.ClientID, 1), "", "", 404, "Request_ResourceNotFound"},
		{"another path", "GET", "https://graph.microsoft.com/v1.0/users", "", "", 400, "BadRequest"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cloud := federationtest.NewCloud(nil)
			cloud.Add(id, "eastus")
			cloud.Add(catalog.Identity{Kind: catalog.Application, ClientID: "99999999-0000-0000-0000-000000000009"}, "", federation.Credential{Name: "old", Issuer: "https://o/", Subject: "s", Audience: "a"})
			status, code, message, _ := send(t, cloud.Graph(), tc.method, tc.url, tc.body, "Prefer", tc.prefer)
			if status != tc.status || code != tc.code {
				t.Errorf("HTTP %d %s %q, want %d %s", status, code, message, tc.status, tc.code)
			}
		})
	}
}

// ARM's published rates are buckets; what is above them is answered 429 with a Retry-After after which it works.
func TestRatesThrottleAndSayForHowLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := federationtest.NewCloud(&federationtest.CloudOptions{ARMRates: federation.ARMRates()})
		cloud.Add(id, "eastus")
		put := func() (int, http.Header) {
			status, _, _, header := send(t, cloud.ARM(), "PUT", armPath+"id/federatedIdentityCredentials/abc?api-version=1", armCredentialBody("https://x/", "s", "a"))
			return status, header
		}
		if status, _ := put(); status != 201 {
			t.Fatalf("first: HTTP %d", status)
		}
		status, header := put()
		if status != 429 || header.Get("Retry-After") != "4" {
			t.Fatalf("second at once: HTTP %d, Retry-After %q", status, header.Get("Retry-After"))
		}
		time.Sleep(4 * time.Second)
		if status, _ := put(); status != 200 {
			t.Errorf("after Retry-After: HTTP %d", status)
		}
		if n := cloud.Refused()["429"]; n != 1 {
			t.Errorf("counted %d", n)
		}
	})
}

func TestReadsLagAndEntraLagsLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := "11111111-2222-3333-4444-555555555555"
		cloud := federationtest.NewCloud(&federationtest.CloudOptions{Lag: 5 * time.Second, Propagation: time.Minute})
		cloud.Add(id, "eastus")
		c := federation.Credential{Name: "abc", Issuer: "https://x/", Subject: "s", Audience: "a"}
		if err := cloud.Store().Put(t.Context(), id, c); err != nil {
			t.Fatal(err)
		}
		see := func() (listed, trusted int) {
			list, err := cloud.Store().List(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			triples, err := cloud.Trusts(t.Context(), tenant, strings.ToUpper(id.ClientID))
			if err != nil {
				t.Fatal(err)
			}
			return len(list), len(triples)
		}
		for _, step := range []struct {
			after           time.Duration
			listed, trusted int
		}{{0, 0, 0}, {5 * time.Second, 1, 0}, {55 * time.Second, 1, 1}} {
			time.Sleep(step.after)
			if l, tr := see(); l != step.listed || tr != step.trusted {
				t.Errorf("after another %v: %d listed, %d trusted", step.after, l, tr)
			}
		}
		if err := cloud.Store().Delete(t.Context(), id, "abc"); err != nil {
			t.Fatal(err)
		}
		if l, tr := see(); l != 1 || tr != 1 {
			t.Errorf("a removal lags too: %d listed, %d trusted", l, tr)
		}
		known, err := cloud.Identity(t.Context(), tenant, id.ClientID)
		if err != nil || len(known.Credentials) != 1 || known.Credentials[0].Removed.IsZero() {
			t.Errorf("history: %+v, %v", known, err)
		}
		if _, err := cloud.Trusts(t.Context(), "other", id.ClientID); err == nil {
			t.Error("an unknown tenant knows nobody")
		}
	})
}

func TestARequestThatIsLostLeavesNothingBehind(t *testing.T) {
	for name, fault := range map[string]federationtest.Fault{"request": {DropRequest: true}, "reply": {DropReply: true}} {
		cloud := federationtest.NewCloud(&federationtest.CloudOptions{Fault: federationtest.First(federation.OpPut, 1, fault)})
		cloud.Add(id, "eastus")
		status, _, _, _ := send(t, cloud.ARM(), "PUT", armPath+"id/federatedIdentityCredentials/abc?api-version=1", armCredentialBody("https://x/", "s", "a"))
		if stored := len(cloud.State()[id.Key()]) == 1; status != 0 || stored != (name == "reply") {
			t.Errorf("lost %s: status %d, stored %v", name, status, stored)
		}
	}
}
