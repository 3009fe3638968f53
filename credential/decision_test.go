package credential_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// answer is how a source answers every request of a case.
type answer func(*http.Request) (*http.Response, error)

func says(status int, server, body string) answer {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{}
		switch server {
		case "nmi":
			h.Set("Content-Type", "text/plain; charset=utf-8")
			h.Set("X-Content-Type-Options", "nosniff")
		case "":
		default:
			h.Set("Server", server)
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

func fails(err error) answer {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func entraSays(code int) answer {
	status, body := 400, fmt.Sprintf(`{"error":"invalid_client","error_description":"AADSTS%d: no.","error_codes":[%d]}`, code, code)
	return says(status, "", body)
}

// portal stands for workload identity where the discovery documents are answered like everything else.
const portal credential.Path = "portal"

const (
	imds  = "IMDS/150.870.65.1475"
	proxy = "azure-workload-identity/proxy/v1.5.1"
	nmi   = "nmi"
)

// decisionCase is one row of the decision table, reached through a real azidentity credential.
type decisionCase struct {
	row    string
	path   credential.Path
	answer answer
}

func decisionCases(t *testing.T, w *world) []decisionCase {
	pod, wi := credential.PodIdentity, credential.WorkloadIdentity
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	foreign, err := w.entra.Issue(credentialtest.Identity{TenantID: tenant, ClientID: kubelet, ResourceID: "/kubelet"}, "https://storage.azure.com")
	if err != nil {
		t.Fatal(err)
	}
	token := func(raw string) string { return fmt.Sprintf(`{"access_token":%q,"expires_in":"3600"}`, raw) }
	cases := []decisionCase{
		{"identity/wrong", pod, says(200, imds, token(foreign.Value))},
		{"identity/unverifiable", pod, says(200, imds, token("opaque"))},
		{"metadata/header", pod, says(400, "", `{"error":"invalid_request","error_description":"Required metadata header not specified"}`)},
		{"metadata/resource", pod, says(400, nmi, "parameter resource cannot be empty")},
		{"imds/several-identities", pod, says(400, imds, `{"error_description":"Multiple user assigned identities exist, please specify the clientId"}`)},
		{"imds/not-assigned", pod, says(400, imds, `{"error_description":"Identity not found"}`)},
		{"nmi/blocked", pod, says(403, nmi, "Request blocked by AAD Pod Identity NMI")},
		{"nmi/attaching", pod, says(403, nmi, `adal: Refresh request failed. Status Code = '400'. Response body: {"error_description":"Identity not found"}`)},
		{"nmi/credentials", pod, says(403, nmi, "adal: Refresh request failed. Status Code = '401'. Response body: {}")},
		{"metadata/unreachable", pod, says(403, "", "connecting to 169.254.169.254:80: connecting: network unreachable")},
		{"nmi/forbidden", pod, says(403, nmi, "adal: Refresh request failed. Status Code = '503'")},
		{"nmi/forbidden", pod, says(403, nmi, "no AzureAssignedIdentity found for pod:payments/api-0")},
		{"metadata/forbidden", pod, says(403, imds, "")},
		{"nmi/no-such-identity", pod, says(404, nmi, "no azure identity found for request clientID aaaa##### REDACTED #####0001")},
		{"nmi/not-ready", pod, says(404, nmi, "getting assigned identities for pod payments/api in CREATED state failed after 16 attempts")},
		{"nmi/namespace-mismatch", pod, says(500, nmi, "runtime error: index out of range [0] with length 0")},
		{"nmi/pod-unknown", pod, says(500, nmi, "pod list is empty")},
		{"nmi/pod-unknown", pod, says(500, nmi, "failed to match pod IP 10.0.0.7 with [a b]")},
		{"nmi/configuration", pod, says(503, nmi, "failed to get Kubernetes secret default/sp")},
		{"nmi/configuration", pod, says(503, nmi, "unsupported identity type 7")},
		{"metadata/busy", pod, says(429, imds, "")},
		{"metadata/busy", pod, says(410, imds, "")},
		{"metadata/busy", pod, says(503, nmi, "adal: Failed to execute the refresh request. Error = 'EOF'")},
		{"metadata/malformed", pod, says(200, "", "<html>Sign in</html>")},
		{"metadata/malformed", pod, says(200, nmi, `[{"access_token":"x"}]`)},
		{"metadata/malformed", pod, says(200, nmi, `{"access_token":"x"}`)},
		{"metadata/malformed", pod, says(200, nmi, `{"token_type":"Bearer"}`)},
		{"metadata/malformed", pod, says(202, nmi, `{"expires_in":"3600"}`)},
		{"identity/wrong", pod, says(202, imds, token(foreign.Value))},
		{"metadata/transport", pod, fails(refused)},
		{"metadata/transport", pod, fails(io.EOF)},
		{"metadata/unanswered", pod, hangs},
		{"proxy/not-ready", pod, says(500, proxy, "failed to acquire token")},
		{"federation/no-match", pod, says(500, proxy, "failed to acquire token: ... AADSTS700213: No matching federated identity record found")},
		{"assertion/signature", pod, says(500, proxy, "AADSTS700027: Client assertion failed signature validation.")},
		{"secret/invalid", pod, says(403, nmi, `adal: Refresh request failed. Status Code = '401'. Response body: {"error_codes":[7000215]} AADSTS7000215: Invalid client secret`)},
		{"entra/throttled", wi, says(429, "", "")},
		{"entra/unavailable", wi, says(502, "", "")},
		{"entra/transport", wi, fails(refused)},
		{"entra/unanswered", wi, hangs},
		{"entra/discovery", portal, says(200, "", "<html>Sign in</html>")},
		{"entra/malformed", wi, says(200, "", "<html>Sign in</html>")},
		{"identity/unexpected", wi, says(200, "", fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, foreign.Value))},
		{"unknown", wi, entraSays(123456)},
		{"unknown", pod, says(418, "", "teapot")},
		{"unknown", pod, says(302, "", "")},
	}
	for _, d := range credential.Decisions() {
		for _, code := range d.Codes {
			cases = append(cases, decisionCase{d.Name, wi, entraSays(code)})
		}
	}
	return cases
}

// window is the start-up window of these tests, longer than what RetryBriefly permits.
const window = 30 * time.Second

func TestEveryRowOfTheDecisionTableDecidesItsOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t, credentialtest.EntraOptions{})
	seen := map[string]bool{"file/unusable": true, "file/forbidden": true, "wrapped/probe": true} // below
	for i, c := range decisionCases(t, w) {
		seen[c.row] = true
		t.Run(fmt.Sprintf("%d %s", i, c.row), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w.project(t, credentialtest.ServiceAccountToken{})
				endpoint := transport(func(r *http.Request) (*http.Response, error) {
					if c.path == credential.WorkloadIdentity && r.Method == http.MethodGet {
						return w.hosts.Do(r) // discovery
					}
					return c.answer(r)
				})
				path := c.path
				if path == portal {
					path = credential.WorkloadIdentity
				}
				cred := create(t, credential.Options{Path: path, LookupEnv: w.env, StartupWindow: window,
					ClientOptions: azcore.ClientOptions{Transport: endpoint}, IMDSTransport: endpoint}, nil)
				checkDecision(t, cred, c.row)
			})
		})
	}
	for _, d := range credential.Decisions() {
		if !seen[d.Name] {
			t.Errorf("row %s has no test case", d.Name)
		}
	}
}

// checkDecision asks once and compares how long and how often it was tried with the verdict.
func checkDecision(t *testing.T, cred *credential.Credential, row string) {
	t.Helper()
	start := time.Now()
	_, err := cred.GetToken(t.Context(), ask(scope))
	took := time.Since(start)
	var failed *credential.TokenError
	if !errors.As(err, &failed) {
		t.Fatalf("error is %T, want *TokenError: %v", err, err)
	}
	if failed.Decision != row {
		t.Fatalf("decided by %q, want %q: %v", failed.Decision, row, err)
	}
	all := credential.Decisions()
	d := all[slices.IndexFunc(all, func(d credential.Decision) bool { return d.Name == row })]
	ok := map[credential.Verdict]bool{
		credential.Permanent:    failed.Attempts == 1 && failed.Permanent,
		credential.RetryOnce:    failed.Attempts == 2 && failed.Permanent,
		credential.RetryBriefly: failed.Attempts > 2 && took >= 9*time.Second && took <= 13*time.Second,
		credential.Retry:        failed.Attempts > 4 && took >= window && took <= window+5*time.Second && !failed.Permanent,
	}[d.Verdict]
	if !ok {
		t.Errorf("%s: %d requests in %s, permanent %t", d.Verdict, failed.Attempts, took, failed.Permanent)
	}
	if failed.Meaning == "" || failed.Remedy == "" {
		t.Errorf("no meaning or no remedy: %v", err)
	}
	if errors.Is(err, credential.ErrNotFederated) != d.NotFederated {
		t.Errorf("ErrNotFederated: %t, want %t", !d.NotFederated, d.NotFederated)
	}
}

func TestTokenFilesThatCannotBeUsedAreDecidedByTheTable(t *testing.T) {
	cases := []struct {
		name, row string
		prepare   func(t *testing.T, file string)
		is        error
	}{
		{"the file is missing", "file/unusable", func(t *testing.T, file string) { remove(t, file) }, fs.ErrNotExist},
		{"the file is empty", "file/unusable", func(t *testing.T, file string) { write(t, file, "") }, nil},
		{"the file holds no token", "file/unusable", func(t *testing.T, file string) { write(t, file, "hello") }, credential.ErrUnreadable},
		{"the file is a directory", "file/unusable", func(t *testing.T, file string) { remove(t, file); mkdir(t, file) }, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, credentialtest.EntraOptions{})
				c.prepare(t, w.file)
				cred := w.workload(t, func(o *credential.Options) { o.StartupWindow = window })
				checkDecision(t, cred, c.row)
				_, err := cred.GetToken(t.Context(), ask(scope))
				if c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("error %v does not reach %v", err, c.is)
				}
				if w.entra.Total() != 0 {
					t.Error("Entra was asked without an assertion")
				}
			})
		})
	}
}

func TestATokenFileThatMayNotBeReadIsPermanent(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read every file")
	}
	w := newWorld(t, credentialtest.EntraOptions{})
	if err := os.Chmod(w.file, 0); err != nil {
		t.Fatal(err)
	}
	checkDecision(t, w.workload(t, nil), "file/forbidden")
}

func TestDefaultAzureCredentialsProbeIsRetriedWhenWrapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := tokenFunc(func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
			return azcore.AccessToken{}, errors.New("DefaultAzureCredential: managed identity timed out. See https://aka.ms")
		})
		cred, err := credential.Wrap(inner, &credential.WrapOptions{StartupWindow: window})
		if err != nil {
			t.Fatal(err)
		}
		checkDecision(t, cred, "wrapped/probe")
	})
}

// tokenFunc makes a function a credential.
type tokenFunc func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error)

func (f tokenFunc) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return f(ctx, o)
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, file string) {
	t.Helper()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, name string) {
	t.Helper()
	if err := os.Mkdir(filepath.Clean(name), 0o700); err != nil {
		t.Fatal(err)
	}
}
