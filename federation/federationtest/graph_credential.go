package federationtest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/federation"
)

func (g *graphCall) list(ctx context.Context) {
	var found []entry
	if !g.handle(ctx, federation.OpList, func(r *record) *refusal {
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
	answer := map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#applications('" + g.key + "')/federatedIdentityCredentials",
		"value": value}
	if more {
		answer["@odata.nextLink"] = nextLink(g.r, "$skiptoken", to)
	}
	writeJSON(g.w, http.StatusOK, answer)
}

func (g *graphCall) get(ctx context.Context) {
	var found entry
	if g.handle(ctx, federation.OpList, func(r *record) *refusal {
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
	return refuse(http.StatusNotFound, "Request_ResourceNotFound",
		"Resource '%s' does not exist or one of its queried reference-property objects are not present.", g.name)
}

// find returns the entry that the request names, by name or by ID; the caller holds the lock.
func (g *graphCall) find(r *record, at time.Time) int {
	return slices.IndexFunc(r.entries, func(e entry) bool {
		return e.at(at) && (strings.EqualFold(e.Name, g.name) || graphID(g.key, e.Name) == strings.ToLower(g.name))
	})
}

func (g *graphCall) create(ctx context.Context) {
	var body graphBody
	if refused := readJSON(g.r, &body); refused != nil {
		writeError(g.w, refused)
		return
	}
	g.name = body.Name
	var stored entry
	if g.handle(ctx, federation.OpPut, func(r *record) *refusal {
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

func (g *graphCall) update(ctx context.Context) {
	var body graphBody
	if refused := readJSON(g.r, &body); refused != nil {
		writeError(g.w, refused)
		return
	}
	upsert := strings.EqualFold(g.r.Header.Get("Prefer"), "create-if-missing")
	status := http.StatusNoContent
	var stored entry
	if !g.handle(ctx, federation.OpPut, func(r *record) *refusal {
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

func (g *graphCall) remove(ctx context.Context) {
	if g.handle(ctx, federation.OpDelete, func(r *record) *refusal {
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
