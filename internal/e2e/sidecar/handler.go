package sidecar

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// handler answers what redirected connections ask.
type handler struct {
	tenantID, clientID string
	metadata           http.Handler

	mu          sync.Mutex
	credentials map[string]*azidentity.WorkloadIdentityCredential // by client ID
}

func newHandler(tenantID, clientID string, dial func(context.Context, string, string) (net.Conn, error)) *handler {
	return &handler{tenantID: tenantID, clientID: clientID, credentials: map[string]*azidentity.WorkloadIdentityCredential{},
		metadata: &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", metadataHost, metadataHost
			},
			Transport: &http.Transport{DialContext: dial},
			ErrorLog:  log.New(io.Discard, "", 0),
			ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			},
		}}
}

const metadataHost = "169.254.169.254"

// ServeHTTP answers token requests by federation and passes everything else on to the real metadata service, NMI's /host/token too.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case strings.EqualFold(first, "metadata") && strings.HasPrefix(rest, "identity/oauth2/token"):
		h.token(w, r)
	case strings.HasPrefix(r.URL.Path, "/readyz"):
		_, _ = io.WriteString(w, "ok")
	default:
		h.metadata.ServeHTTP(w, r)
	}
}

// token knows the parameters resource and client_id only: object_id and mi_res_id are passed over, as the real proxy does, so that who
// names an identity by them gets the pod's default one.
func (h *handler) token(w http.ResponseWriter, r *http.Request) {
	client, resource := cmp.Or(r.URL.Query().Get("client_id"), h.clientID), r.URL.Query().Get("resource")
	if client == "" {
		http.Error(w, "The client_id parameter or AZURE_CLIENT_ID environment variable must be set", http.StatusBadRequest)
		return
	}
	if resource == "" {
		http.Error(w, "The resource parameter is required.", http.StatusBadRequest)
		return
	}
	answer, err := h.exchange(r.Context(), client, resource)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

// response is the metadata service's, whose numbers are strings or numbers according to the reader's taste.
type response struct {
	AccessToken  string      `json:"access_token"`
	RefreshToken string      `json:"refresh_token"`
	ExpiresIn    json.Number `json:"expires_in"`
	ExpiresOn    string      `json:"expires_on"`
	NotBefore    json.Number `json:"not_before"`
	Resource     string      `json:"resource"`
	Type         string      `json:"token_type"`
}

func (h *handler) exchange(ctx context.Context, client, resource string) (response, error) {
	c, err := h.credential(client)
	if err != nil {
		return response{}, err
	}
	t, err := c.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{strings.TrimSuffix(resource, "/.default") + "/.default"}})
	if err != nil {
		return response{}, err
	}
	return response{AccessToken: t.Token, Resource: resource, Type: "Bearer", ExpiresOn: strconv.FormatInt(t.ExpiresOn.Unix(), 10),
		ExpiresIn: json.Number(strconv.FormatInt(int64(time.Until(t.ExpiresOn)/time.Second)-10, 10))}, nil
}

// credential returns the one credential of a client ID, which reads the pod's projected token.
func (h *handler) credential(client string) (*azidentity.WorkloadIdentityCredential, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c, ok := h.credentials[client]; ok {
		return c, nil
	}
	c, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientID: client, TenantID: h.tenantID, DisableInstanceDiscovery: true})
	if err == nil {
		h.credentials[client] = c
	}
	return c, err
}
