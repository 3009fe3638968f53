package federationtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// Graph returns the face of the cloud that speaks Microsoft Graph v1.0: the federated credentials of applications, addressed by
// appId or object ID (list, get, create, update, create-if-missing, delete).
// https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
func (c *Cloud) Graph() *Service { return &Service{handler: c.serveGraph} }

var graphPath = regexp.MustCompile(`^/(?:v1\.0|beta)/applications(?:\((?i:appId)='([^']*)'\)|/([^/]+))/federatedIdentityCredentials(?:\(name='(.*)'\)|/([^/]+))?$`)

// graphBody is a federated credential on the wire; absent properties of an update stay as they are.
type graphBody struct {
	ID          string   `json:"id,omitempty"`
	Name        string   `json:"name,omitempty"`
	Issuer      string   `json:"issuer,omitempty"`
	Subject     *string  `json:"subject"` // null for a flexible credential
	Audiences   []string `json:"audiences,omitempty"`
	Description *string  `json:"description"`
}

// graphCall is one request to the credentials of an application.
type graphCall struct {
	cloud     *Cloud
	w         http.ResponseWriter
	r         *http.Request
	key, name string
}

func (c *Cloud) serveGraph(w http.ResponseWriter, r *http.Request) {
	m := graphPath.FindStringSubmatch(strings.TrimSuffix(r.URL.EscapedPath(), "/"))
	if m == nil {
		writeError(w, refuse(http.StatusBadRequest, "BadRequest", "Resource not found for the segment '%s'.", r.URL.Path))
		return
	}
	for i := range m {
		m[i], _ = url.PathUnescape(m[i]) // EscapedPath is well escaped
	}
	call := &graphCall{cloud: c, w: w, r: r, key: strings.ToLower(m[1]), name: strings.ReplaceAll(m[3], "''", "'")}
	if m[2] != "" {
		call.key = c.application(m[2])
	}
	if m[4] != "" {
		call.name = m[4]
	}
	switch {
	case call.name == "" && r.Method == http.MethodGet:
		call.list(r.Context())
	case call.name == "" && r.Method == http.MethodPost:
		call.create(r.Context())
	case call.name != "" && r.Method == http.MethodGet:
		call.get(r.Context())
	case call.name != "" && r.Method == http.MethodPatch:
		call.update(r.Context())
	case call.name != "" && r.Method == http.MethodDelete:
		call.remove(r.Context())
	default:
		writeError(w, refuse(http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."))
	}
}

// application returns the key of the application with that object ID; one that does not exist answers for itself.
func (c *Cloud) application(objectID string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, r := range c.records {
		if r.identity.Kind == catalog.Application && strings.EqualFold(r.objectID, objectID) {
			return key
		}
	}
	return strings.ToLower(objectID)
}

// handle sees to it that a managed identity is no application.
func (g *graphCall) handle(ctx context.Context, op string, do func(*record) *refusal) bool {
	refused := g.cloud.handle(ctx, op, g.key, g.name, true, func(r *record) *refusal {
		if r.identity.Kind != catalog.Application {
			return missing(g.key, true)
		}
		return do(r)
	})
	if refused != nil {
		writeError(g.w, refused)
	}
	return refused == nil
}

func (g *graphCall) form(e entry) graphBody {
	b := graphBody{ID: graphID(g.key, e.Name), Name: e.Name, Issuer: e.Issuer, Audiences: []string{e.Audience}}
	if e.Subject != "" {
		b.Subject = &e.Subject
	}
	if e.description != "" {
		b.Description = &e.description
	}
	return b
}

func graphID(key, name string) string {
	sum := sha256.Sum256([]byte(key + "\x00" + strings.ToLower(name)))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
