package credentialtest

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

func (e *Entra) consult(x Exchange) *Answer {
	e.mu.Lock()
	rule := e.rule
	e.mu.Unlock()
	if rule == nil {
		return nil
	}
	return rule(x)
}

// answer gives what a rule said.
func (e *Entra) answer(w http.ResponseWriter, r *http.Request, x *Exchange, a Answer) {
	if a.Code == 0 {
		x.Status = max(a.Status, http.StatusOK)
		if a.Reset {
			x.Status = 0
		}
		e.record(*x)
		a.ServeHTTP(w, r)
		return
	}
	if !sleep(r, a.Hold) || a.Reset {
		e.record(*x)
		abort()
	}
	if a.RetryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int(a.RetryAfter/time.Second)))
	}
	for k, v := range a.Header {
		w.Header().Set(k, v)
	}
	e.refuse(w, x, a, "")
}

// refuse answers with a code in the shape of Entra's error body.
func (e *Entra) refuse(w http.ResponseWriter, x *Exchange, a Answer, detail string) {
	entry := lookup(a.Code)
	x.Code, x.Status, x.TraceID = a.Code, entry.status, e.traceID()
	if a.Status != 0 {
		x.Status = a.Status
	}
	if x.CorrelationID == "" {
		x.CorrelationID = e.traceID()
	}
	e.record(*x)
	stamp := x.Time.UTC().Format("2006-01-02 15:04:05Z")
	text := strings.NewReplacer("{issuer}", x.Issuer, "{subject}", x.Subject, "{audience}", x.Audience, "{kid}", x.KeyID,
		"{client}", x.ClientID, "{tenant}", x.TenantID, "{resource}", x.Resource, "{detail}", detail,
		"{now}", x.Time.UTC().Format(time.RFC3339)).Replace(entry.text)
	w.Header().Set("x-ms-request-id", x.TraceID)
	w.Header().Set("x-ms-ests-server", "2.1.0 - credentialtest")
	w.Header().Set("Cache-Control", "no-store, no-cache")
	writeJSON(w, x.Status, entraError{
		Error: entry.oauth,
		Description: fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			a.Code, strings.TrimSpace(text), x.TraceID, x.CorrelationID, stamp),
		Codes: []int{a.Code}, Timestamp: stamp, TraceID: x.TraceID, CorrelationID: x.CorrelationID,
		URI: fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", a.Code),
	})
}

// entraError is the body of a refusal, in Entra's order.
type entraError struct {
	Error         string `json:"error"`
	Description   string `json:"error_description"`
	Codes         []int  `json:"error_codes"`
	Timestamp     string `json:"timestamp"`
	TraceID       string `json:"trace_id"`
	CorrelationID string `json:"correlation_id"`
	URI           string `json:"error_uri"`
}
