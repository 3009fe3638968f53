package federationtest

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/federation"
)

// ARM returns the face of the cloud that speaks Azure Resource Manager: user-assigned identities (get and list) and their federated
// credentials (get, list, put, delete), as Microsoft.ManagedIdentity has them.
// https://learn.microsoft.com/rest/api/managedidentity/federated-identity-credentials
func (c *Cloud) ARM() *Service { return &Service{handler: c.serveARM} }

var (
	armCredential = regexp.MustCompile(`(?i)^(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.managedidentity/userassignedidentities/[^/]+)/federatedidentitycredentials(?:/([^/]+))?$`)
	armIdentity   = regexp.MustCompile(`(?i)^/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.managedidentity/userassignedidentities/[^/]+$`)
	armIdentities = regexp.MustCompile(`(?i)^(/subscriptions/[^/]+(?:/resourcegroups/[^/]+)?)/providers/microsoft\.managedidentity/userassignedidentities$`)
)

func (c *Cloud) serveARM(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimSuffix(r.URL.Path, "/")
	if r.URL.Query().Get("api-version") == "" {
		writeError(w, refuse(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests."))
		return
	}
	if m := armCredential.FindStringSubmatch(path); m != nil {
		c.serveARMCredential(w, r, m[1], m[2])
		return
	}
	if armIdentity.MatchString(path) && r.Method == http.MethodGet {
		c.serveARMIdentity(w, path)
		return
	}
	if m := armIdentities.FindStringSubmatch(path); m != nil && r.Method == http.MethodGet {
		c.serveARMIdentities(w, r, strings.ToLower(m[1])+"/")
		return
	}
	writeError(w, refuse(http.StatusNotFound, "InvalidResourceType", "The resource type could not be found in the namespace 'Microsoft.ManagedIdentity'."))
}

// armBody is a federated credential on the wire.
type armBody struct {
	ID         string `json:"id,omitempty"`
	Name       string `json:"name,omitempty"`
	Type       string `json:"type,omitempty"`
	Properties struct {
		Issuer    string   `json:"issuer"`
		Subject   *string  `json:"subject"` // null for a flexible credential
		Audiences []string `json:"audiences"`
	} `json:"properties"`
}

func armForm(parent string, c federation.Credential) armBody {
	b := armBody{ID: parent + "/federatedIdentityCredentials/" + c.Name, Name: c.Name,
		Type: "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"}
	b.Properties.Issuer, b.Properties.Audiences = c.Issuer, []string{c.Audience}
	if c.Subject != "" {
		b.Properties.Subject = &c.Subject
	}
	return b
}

func (c *Cloud) serveARMCredential(w http.ResponseWriter, r *http.Request, parent, name string) {
	key := strings.ToLower(parent)
	switch {
	case name == "" && r.Method == http.MethodGet:
		c.armList(w, r, parent, key)
	case name != "" && r.Method == http.MethodGet:
		c.armGet(w, r, parent, key, name)
	case name != "" && r.Method == http.MethodPut:
		c.armPut(w, r, parent, key, name)
	case name != "" && r.Method == http.MethodDelete:
		status := http.StatusNoContent
		refused := c.handle(r.Context(), federation.OpDelete, key, name, false, func(rec *record) *refusal {
			if c.remove(rec, name) {
				status = http.StatusOK
			}
			return nil
		})
		if refused != nil {
			writeError(w, refused)
			return
		}
		w.WriteHeader(status)
	default:
		writeError(w, refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "The requested resource does not support http method '%s'.", r.Method))
	}
}

func (c *Cloud) armList(w http.ResponseWriter, r *http.Request, parent, key string) {
	var found []federation.Credential
	refused := c.handle(r.Context(), federation.OpList, key, "", false, func(rec *record) *refusal { found = c.list(rec); return nil })
	if refused != nil {
		writeError(w, refused)
		return
	}
	from, to, more := page(r, "$top", "$skiptoken", c.opts.PageSize, len(found))
	answer := struct {
		Value    []armBody `json:"value"`
		NextLink string    `json:"nextLink,omitempty"`
	}{Value: []armBody{}}
	for _, credential := range found[from:to] {
		answer.Value = append(answer.Value, armForm(parent, credential))
	}
	if more {
		answer.NextLink = nextLink(r, "$skiptoken", to)
	}
	writeJSON(w, http.StatusOK, answer)
}

func (c *Cloud) armGet(w http.ResponseWriter, r *http.Request, parent, key, name string) {
	var found []federation.Credential
	refused := c.handle(r.Context(), federation.OpList, key, name, false, func(rec *record) *refusal { found = c.list(rec); return nil })
	if refused != nil {
		writeError(w, refused)
		return
	}
	i := slices.IndexFunc(found, func(f federation.Credential) bool { return strings.EqualFold(f.Name, name) })
	if i < 0 {
		writeError(w, refuse(http.StatusNotFound, "ResourceNotFound", "The Federated Identity Credential '%s' was not found.", name))
		return
	}
	writeJSON(w, http.StatusOK, armForm(parent, found[i]))
}

func (c *Cloud) armPut(w http.ResponseWriter, r *http.Request, parent, key, name string) {
	var body armBody
	if refused := readJSON(r, &body); refused != nil {
		writeError(w, refused)
		return
	}
	in := incoming{name: name, issuer: body.Properties.Issuer, audiences: body.Properties.Audiences}
	if body.Properties.Subject != nil {
		in.subject = *body.Properties.Subject
	}
	status := http.StatusOK
	refused := c.handle(r.Context(), federation.OpPut, key, name, false, func(rec *record) *refusal {
		created, refused := c.put(rec, in, false)
		if created {
			status = http.StatusCreated
		}
		return refused
	})
	if refused != nil {
		writeError(w, refused)
		return
	}
	writeJSON(w, status, armForm(parent, federation.Credential{Name: name, Issuer: in.issuer, Subject: in.subject, Audience: in.audiences[0]}))
}
