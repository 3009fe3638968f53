package federationtest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// armIdentityForm is a user-assigned identity on the wire.
func armIdentityForm(r *record) map[string]any {
	return map[string]any{
		"id": r.identity.ResourceID, "name": r.identity.ResourceID[strings.LastIndexByte(r.identity.ResourceID, '/')+1:],
		"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "location": r.location,
		"properties": map[string]string{"clientId": r.identity.ClientID, "principalId": r.objectID, "tenantId": r.identity.TenantID},
	}
}

func (c *Cloud) serveARMIdentity(w http.ResponseWriter, path string) {
	c.mu.Lock()
	r := c.records[strings.ToLower(path)]
	c.mu.Unlock()
	if r == nil {
		writeError(w, refuse(http.StatusNotFound, "ResourceNotFound", "The Resource '%s' was not found.", path))
		return
	}
	writeJSON(w, http.StatusOK, armIdentityForm(r))
}

func (c *Cloud) serveARMIdentities(w http.ResponseWriter, r *http.Request, prefix string) {
	c.mu.Lock()
	var found []*record
	for key, rec := range c.records {
		if rec.identity.Kind != catalog.Application && strings.HasPrefix(key, prefix) {
			found = append(found, rec)
		}
	}
	c.mu.Unlock()
	slices.SortFunc(found, func(a, b *record) int { return strings.Compare(a.identity.ResourceID, b.identity.ResourceID) })
	from, to, more := page(r, "$top", "$skiptoken", c.opts.PageSize, len(found))
	answer := map[string]any{}
	value := []map[string]any{}
	for _, rec := range found[from:to] {
		value = append(value, armIdentityForm(rec))
	}
	answer["value"] = value
	if more {
		answer["nextLink"] = nextLink(r, "$skiptoken", to)
	}
	writeJSON(w, http.StatusOK, answer)
}
