package federationtest

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
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
		call.list()
	case call.name == "" && r.Method == http.MethodPost:
		call.create()
	case call.name != "" && r.Method == http.MethodGet:
		call.get()
	case call.name != "" && r.Method == http.MethodPatch:
		call.update()
	case call.name != "" && r.Method == http.MethodDelete:
		call.remove()
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
func (g *graphCall) handle(op string, do func(*record) *refusal) bool {
	refused := g.cloud.handle(g.r.Context(), op, g.key, g.name, true, func(r *record) *refusal {
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

func (g *graphCall) list() {
	var found []entry
	if !g.handle(federation.OpList, func(r *record) *refusal {
		found = r.entriesAt(time.Now().Add(-g.cloud.opts.Lag))
		return nil
	}) {
		return
	}
	from, to, more := page(g.r, "$top", "$skiptoken", g.cloud.opts.PageSize, len(found))
	value := []graphBody{}
	for _, e := range found[from:to] {
		value = append(value, g.form(e))
	}
	answer := map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#applications('" + g.key + "')/federatedIdentityCredentials", "value": value}
	if more {
		answer["@odata.nextLink"] = nextLink(g.r, "$skiptoken", to)
	}
	writeJSON(g.w, http.StatusOK, answer)
}

func (g *graphCall) get() {
	var found entry
	if g.handle(federation.OpList, func(r *record) *refusal {
		i := g.find(r, time.Now().Add(-g.cloud.opts.Lag))
		if i < 0 {
			return g.absent()
		}
		found = r.entries[i]
		return nil
	}) {
		writeJSON(g.w, http.StatusOK, g.form(found))
	}
}

func (g *graphCall) absent() *refusal {
	return refuse(http.StatusNotFound, "Request_ResourceNotFound", "Resource '%s' does not exist or one of its queried reference-property objects are not present.", g.name)
}

// find returns the entry that the request names, by name or by ID; the caller holds the lock.
func (g *graphCall) find(r *record, at time.Time) int {
	return slices.IndexFunc(r.entries, func(e entry) bool {
		return e.at(at) && (strings.EqualFold(e.Name, g.name) || graphID(g.key, e.Name) == strings.ToLower(g.name))
	})
}

func (g *graphCall) create() {
	var body graphBody
	if refused := readJSON(g.r, &body); refused != nil {
		writeError(g.w, refused)
		return
	}
	g.name = body.Name
	var stored entry
	if g.handle(federation.OpPut, func(r *record) *refusal {
		if g.find(r, time.Now()) >= 0 {
			return refuse(http.StatusConflict, federation.CodeGraphSameKey, "Another object with the same value for property name already exists.")
		}
		_, refused := g.cloud.put(r, body.incoming(), true)
		stored = r.entries[max(0, g.find(r, time.Now()))]
		return refused
	}) {
		writeJSON(g.w, http.StatusCreated, g.form(stored))
	}
}

func (g *graphCall) update() {
	var body graphBody
	if refused := readJSON(g.r, &body); refused != nil {
		writeError(g.w, refused)
		return
	}
	upsert := strings.EqualFold(g.r.Header.Get("Prefer"), "create-if-missing")
	status := http.StatusNoContent
	var stored entry
	if !g.handle(federation.OpPut, func(r *record) *refusal {
		i := g.find(r, time.Now())
		if i < 0 && !upsert {
			return g.absent()
		}
		if i >= 0 {
			body.complete(r.entries[i])
		} else {
			body.Name, status = g.name, http.StatusCreated
		}
		if _, refused := g.cloud.put(r, body.incoming(), true); refused != nil {
			return refused
		}
		stored = r.entries[g.find(r, time.Now())]
		return nil
	}) {
		return
	}
	if status == http.StatusNoContent {
		g.w.WriteHeader(status)
		return
	}
	writeJSON(g.w, status, g.form(stored))
}

func (g *graphCall) remove() {
	if g.handle(federation.OpDelete, func(r *record) *refusal {
		i := g.find(r, time.Now())
		if i < 0 {
			return g.absent()
		}
		g.cloud.remove(r, r.entries[i].Name)
		return nil
	}) {
		g.w.WriteHeader(http.StatusNoContent)
	}
}

func (b graphBody) incoming() incoming {
	in := incoming{name: b.Name, issuer: b.Issuer, audiences: b.Audiences, description: b.Description}
	if b.Subject != nil {
		in.subject = *b.Subject
	}
	return in
}

// complete fills in what an update leaves out.
func (b *graphBody) complete(e entry) {
	b.Name = e.Name
	if b.Issuer == "" {
		b.Issuer = e.Issuer
	}
	if b.Subject == nil && e.Subject != "" {
		b.Subject = &e.Subject
	}
	if b.Audiences == nil {
		b.Audiences = []string{e.Audience}
	}
}
