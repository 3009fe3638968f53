package credentialtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// nmiToken is a token as NMI passes it on: times as text, no client_id, no
// ext_expires_in, no refresh_in.
type nmiToken struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    string `json:"expires_in"`
	ExpiresOn    string `json:"expires_on"`
	NotBefore    string `json:"not_before"`
	Resource     string `json:"resource"`
	Type         string `json:"token_type"`
}

func writeMSI(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(body)
}

// refreshError is an answer that is not a token. NMI makes it 403; every other
// error on the way to a token it makes 503.
type refreshError struct{ text string }

func (e *refreshError) Error() string { return e.text }

func refreshStatus(err error) int {
	if _, ok := errors.AsType[*refreshError](err); ok {
		return http.StatusForbidden
	}
	return http.StatusServiceUnavailable
}

// serveExcepted passes on what IMDS gives for the client ID alone: a resource ID
// is dropped, and then the node's identity is given away. Every failure is 403.
func (n *NMI) serveExcepted(w http.ResponseWriter, r *http.Request, q tokenQuery) {
	t, err := n.fromIMDS(r, q.clientID, q.resource)
	if err != nil {
		http.Error(w, "failed to get service principal token, error: "+err.Error(), http.StatusForbidden)
		return
	}
	writeMSI(w, t)
}

// tokens gets the tokens of an identity: one, or several for a service
// principal with auxiliary tenants.
func (n *NMI) tokens(r *http.Request, resource string, id AzureIdentity) ([]nmiToken, error) {
	switch id.Type {
	case UserAssignedMSI:
		t, err := n.fromIMDS(r, id.ClientID, resource)
		return []nmiToken{t}, err
	case ServicePrincipal, ServicePrincipalCertificate:
		return n.fromEntra(r, resource, id)
	}
	return nil, &nmiError{fmt.Sprintf("unsupported identity type %d", id.Type)}
}

// fromIMDS asks IMDS by client ID, which may be empty, and repeats the request
// as ADAL does: five times, with a pause after the last one too.
func (n *NMI) fromIMDS(r *http.Request, clientID, resource string) (nmiToken, error) {
	q := url.Values{"api-version": {"2018-02-01"}, "resource": {resource}}
	if clientID != "" {
		q.Set("client_id", clientID)
	}
	endpoint := TokenURL + "?" + q.Encode()
	for i := 0; ; i++ {
		req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, endpoint, nil)
		if err != nil {
			return nmiToken{}, err
		}
		req.Header.Set("Metadata", "true")
		status, t, err := adal(n.imds, req)
		if !imdsRetries(status) || i >= len(n.opts.RefreshDelays) {
			return t, err
		}
		if !sleep(r, n.opts.RefreshDelays[i]) || i == len(n.opts.RefreshDelays)-1 {
			return t, err
		}
	}
}

func imdsRetries(status int) bool {
	return slices.Contains([]int{404, 408, 410, 429}, status) || status >= 500
}

// fromEntra gets the tokens of a service principal, the first tenant first.
//
// A certificate is presented as a client secret of the same bytes: what is
// played here is how NMI behaves, not how certificates prove themselves.
func (n *NMI) fromEntra(r *http.Request, resource string, id AzureIdentity) ([]nmiToken, error) {
	data, err := n.cache.Secret(id.SecretNamespace, id.SecretName)
	if err != nil {
		return nil, &nmiError{fmt.Sprintf("failed to get Kubernetes secret %s/%s, err: %v", id.SecretNamespace, id.SecretName, err)}
	}
	secret := data["certificate"]
	if id.Type == ServicePrincipal {
		for _, key := range sortedKeys(data) {
			secret = data[key] // NMI takes whichever key comes first; here the first by name
			break
		}
	}
	if n.opts.Entra == nil {
		return nil, errors.New("adal: Failed to execute the refresh request. Error = 'dial tcp: lookup login.microsoftonline.com: no such host'")
	}
	var tokens []nmiToken
	for _, tenant := range append([]string{id.TenantID}, id.AuxiliaryTenantIDs...) {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id.ClientID}, "client_secret": {string(secret)}, "resource": {resource}}
		req, err := http.NewRequestWithContext(r.Context(), http.MethodPost,
			"https://login.microsoftonline.com/"+tenant+"/oauth2/token?api-version=1.0", strings.NewReader(form.Encode()))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		_, t, err := adal(n.opts.Entra, req)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
	}
	return tokens, nil
}

// adal sends a request and words its errors as ADAL for Go does.
func adal(transport http.RoundTripper, req *http.Request) (int, nmiToken, error) {
	res, err := transport.RoundTrip(req)
	if err != nil {
		return 0, nmiToken{}, fmt.Errorf("adal: Failed to execute the refresh request. Error = '%s \"%s\": %w'", title(req.Method), req.URL, err)
	}
	defer drain(res.Body)
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if res.StatusCode != http.StatusOK {
		return res.StatusCode, nmiToken{}, &refreshError{fmt.Sprintf("adal: Refresh request failed. Status Code = '%d'. Response body: %s Endpoint %s",
			res.StatusCode, body, req.URL)}
	}
	if err != nil {
		return 0, nmiToken{}, fmt.Errorf("adal: Failed to read a new service principal token during refresh. Error = '%w'", err)
	}
	if len(strings.TrimSpace(string(body))) == 0 {
		return 0, nmiToken{}, errors.New("adal: Empty service principal token received during refresh")
	}
	var t nmiToken
	if err := json.Unmarshal(body, &t); err != nil {
		return 0, nmiToken{}, fmt.Errorf("adal: Failed to unmarshal the service principal token during refresh. Error = '%w' JSON = '%s'", err, body)
	}
	t.RefreshToken = ""
	return http.StatusOK, t, nil
}

func title(method string) string {
	return method[:1] + strings.ToLower(method[1:])
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
