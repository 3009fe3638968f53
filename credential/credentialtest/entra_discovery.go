package credentialtest

import (
	"net/http"
	"strings"
)

// publicHosts are Entra's hosts in the public cloud, which share one metadata entry.
var publicHosts = []string{"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"}

func (e *Entra) instanceDiscovery(w http.ResponseWriter, r *http.Request) {
	endpoint := r.URL.Query().Get("authorization_endpoint")
	if endpoint == "" {
		e.refuse(w, &Exchange{}, Answer{Code: 70002}, "The parameter 'authorization_endpoint' is missing.")
		return
	}
	authority, _, _ := strings.Cut(endpoint, "/oauth2/")
	aliases := publicHosts
	preferred := publicHosts[0]
	if host := r.Host; !isPublicHost(host) {
		aliases, preferred = []string{host}, host
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": authority + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []map[string]any{{
			"preferred_network": preferred, "preferred_cache": preferred, "aliases": aliases,
		}},
	})
}

func (e *Entra) openIDConfiguration(w http.ResponseWriter, r *http.Request, tenant string) {
	base := "https://" + r.Host + "/" + tenant
	writeJSON(w, http.StatusOK, map[string]any{
		"token_endpoint":                        base + "/oauth2/v2.0/token",
		"authorization_endpoint":                base + "/oauth2/v2.0/authorize",
		"jwks_uri":                              base + "/discovery/v2.0/keys",
		"issuer":                                base + "/v2.0",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"response_types_supported":              []string{"code", "id_token", "code id_token", "token id_token"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"tenant_region_scope":                   "EU",
		"cloud_instance_name":                   "microsoftonline.com",
	})
}

func isPublicHost(host string) bool {
	for _, h := range publicHosts {
		if strings.EqualFold(h, host) {
			return true
		}
	}
	return false
}
