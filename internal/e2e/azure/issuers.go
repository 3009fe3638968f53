package azure

import (
	"net/http"
	"time"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// issuers reads what issuers publish. AKS keeps that in a storage account, which anyone may read at any time; an API server that is its own
// issuer answers 403 for a moment after its start, until it has read who may, and is asked again.
type issuers struct{ next http.RoundTripper }

// starting bounds that moment.
const starting = 5 * time.Second

// RoundTrip implements http.RoundTripper.
func (i issuers) RoundTrip(r *http.Request) (*http.Response, error) {
	for begun := time.Now(); ; {
		resp, err := i.next.RoundTrip(r)
		if err != nil || resp.StatusCode != http.StatusForbidden || time.Since(begun) > starting {
			return resp, err
		}
		_ = resp.Body.Close()
		if err := pause.For(r.Context(), 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}
