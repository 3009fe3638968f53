package credentialtest

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// TokenURL is where pods ask for tokens of managed identities:
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token.
const TokenURL = "http://169.254.169.254/metadata/identity/oauth2/token"

const tokenPath = "/metadata/identity/oauth2/token"

// IMDSOptions change how an [IMDS] answers. Nil means all defaults.
type IMDSOptions struct {
	// SystemAssigned is the node's own identity, if it has one.
	SystemAssigned *Identity
	// UserAssigned are attached to the node. On plain AKS that is one: the kubelet's.
	UserAssigned []Identity
	// Server is the answer's Server header. Empty: IMDS/150.870.65.1475.
	Server string
}

// IMDS is the real instance metadata service of a node, which answers for the
// node: what NMI asks for tokens, and what a pod reaches when NMI is bypassed.
// Without an ID in the request it gives the node's own identity away. It is an
// [http.Handler] for any host, and safe for concurrent use.
type IMDS struct {
	entra  *Entra
	server string

	mu       sync.Mutex
	system   *Identity
	attached []Identity
	fault    http.Handler
	requests int
}

// NewIMDS returns the metadata service of a node whose tokens entra signs. It
// fails if entra is nil.
func NewIMDS(entra *Entra, opts *IMDSOptions) (*IMDS, error) {
	if entra == nil {
		return nil, errors.New("credentialtest: NewIMDS needs an Entra that signs its tokens")
	}
	if opts == nil {
		opts = &IMDSOptions{}
	}
	return &IMDS{
		entra: entra, server: or(opts.Server, "IMDS/150.870.65.1475"),
		system: opts.SystemAssigned, attached: slices.Clone(opts.UserAssigned),
	}, nil
}

// Attach assigns an identity to the node, as MIC does through ARM.
func (i *IMDS) Attach(id Identity) {
	i.Detach(id.ClientID)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.attached = append(i.attached, id)
}

// Detach takes an identity off the node. An absent one is no error.
func (i *IMDS) Detach(clientID string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.attached = slices.DeleteFunc(slices.Clone(i.attached), func(id Identity) bool { return strings.EqualFold(id.ClientID, clientID) })
}

// Fail answers every token request with h until Fail(nil).
func (i *IMDS) Fail(h http.Handler) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fault = h
}

// Requests returns how many token requests came in.
func (i *IMDS) Requests() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.requests
}

// ServeHTTP answers token requests, and 404 to the rest.
func (i *IMDS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", i.server)
	if !strings.EqualFold(r.URL.Path, tokenPath) {
		http.NotFound(w, r)
		return
	}
	i.mu.Lock()
	i.requests++
	fault := i.fault
	i.mu.Unlock()
	q := r.URL.Query()
	switch {
	case fault != nil:
		fault.ServeHTTP(w, r)
	case r.Header.Get("Metadata") != "true":
		imdsRefuse(w, "Required metadata header not specified")
	case q.Get("resource") == "":
		imdsRefuse(w, "Required query variable 'resource' is missing")
	default:
		id, problem := i.identity(q.Get("client_id"), or(q.Get("msi_res_id"), q.Get("mi_res_id")), q.Get("object_id"))
		if problem != "" {
			imdsRefuse(w, problem)
			return
		}
		i.grant(w, id, q.Get("resource"))
	}
}

// identity chooses as documented in
// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq.
func (i *IMDS) identity(clientID, resourceID, objectID string) (Identity, string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if clientID == "" && resourceID == "" && objectID == "" {
		switch {
		case i.system != nil:
			return *i.system, ""
		case len(i.attached) == 1:
			return i.attached[0], ""
		case len(i.attached) > 1:
			return Identity{}, "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"
		}
		return Identity{}, "Identity not found"
	}
	candidates := slices.Clone(i.attached)
	if i.system != nil {
		candidates = append(candidates, *i.system)
	}
	for _, id := range candidates {
		if clientID != "" && strings.EqualFold(id.ClientID, clientID) ||
			resourceID != "" && strings.EqualFold(id.ResourceID, resourceID) ||
			objectID != "" && strings.EqualFold(id.ObjectID, objectID) {
			return id, ""
		}
	}
	return Identity{}, "Identity not found"
}

func (i *IMDS) grant(w http.ResponseWriter, id Identity, resource string) {
	t, err := i.entra.Issue(id, resource)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	seconds := strconv.Itoa(int(t.ExpiresOn.Sub(t.NotBefore)/time.Second) - 1)
	writeJSON(w, http.StatusOK, map[string]string{
		"access_token": t.Value, "client_id": id.ClientID, "resource": resource, "token_type": "Bearer",
		"expires_in": seconds, "ext_expires_in": seconds,
		"expires_on": strconv.FormatInt(t.ExpiresOn.Unix(), 10), "not_before": strconv.FormatInt(t.NotBefore.Unix(), 10),
	})
}

func imdsRefuse(w http.ResponseWriter, description string) {
	writeJSON(w, http.StatusBadRequest, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{"invalid_request", description})
}
