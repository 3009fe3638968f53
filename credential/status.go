package credential

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Status is what a Credential is doing. It holds no token.
type Status struct {
	Path        Path           `json:"path"`                 // in use now
	AnsweredBy  Source         `json:"answeredBy,omitempty"` // who gave the last token
	Binding     bool           `json:"identityBinding,omitempty"`
	ClientID    string         `json:"clientID,omitempty"`
	TenantID    string         `json:"tenantID,omitempty"`
	LastSuccess time.Time      `json:"lastSuccess,omitzero"`
	Failures    int            `json:"failures"` // failed tries since the last success
	Taken       int64          `json:"taken"`    // tokens that a source gave, in all
	Failed      int64          `json:"failed"`   // calls of GetToken that ended without a token, in all
	LastFailure *Failure       `json:"lastFailure,omitempty"`
	Window      WindowStatus   `json:"window"`
	Fallback    FallbackStatus `json:"fallback"`
	Tokens      []TokenStatus  `json:"tokens"`
}

// WindowStatus is the start-up window.
type WindowStatus struct {
	Open   bool      `json:"open"`
	Opened time.Time `json:"opened,omitzero"` // the first failure
	Closes time.Time `json:"closes,omitzero"`
}

// FallbackStatus is the fallback to pod identity.
type FallbackStatus struct {
	State  string    `json:"state"` // off, allowed, active or ended
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until,omitzero"`
	Reason string    `json:"reason,omitempty"`
}

// TokenStatus is a token in the cache.
type TokenStatus struct {
	Scope   string    `json:"scope"`
	Tenant  string    `json:"tenant,omitempty"`
	CAE     bool      `json:"cae,omitempty"`
	Usable  bool      `json:"usable"`
	Expires time.Time `json:"expires"`
	Refresh time.Time `json:"refresh"`
}

// Status tells what the Credential is doing. It sends nothing.
func (c *Credential) Status() Status {
	now := time.Now()
	s := Status{Path: c.settings.path, Binding: c.settings.binding && c.settings.path == WorkloadIdentity,
		ClientID: c.settings.clientID, TenantID: c.settings.tenantID, Tokens: []TokenStatus{}}
	s.Window.Opened, s.Window.Closes, s.Window.Open = c.windows.startupWindow(now)
	c.route.status(&s, now)
	c.ledger.status(&s)
	for _, e := range c.cache.entries() {
		if st := e.state.Load(); st != nil {
			s.Tokens = append(s.Tokens, TokenStatus{Scope: strings.Join(e.scopes, " "), Tenant: e.tenant, CAE: e.cae,
				Usable: c.clock() < st.expires, Expires: st.token.ExpiresOn, Refresh: st.token.RefreshOn})
		}
	}
	return s
}

func (r *route) status(s *Status, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.state
	if !now.Before(r.rules.Until) && (state == fallbackActive || state == fallbackAllowed) {
		state = fallbackEnded // the next request will notice
	}
	s.Fallback = FallbackStatus{State: string(state), Until: r.rules.Until, Since: r.turned, Reason: r.reason}
	if state == fallbackActive {
		s.Path = r.fallback.path
	}
}

func (l *ledger) status(s *Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.LastSuccess, s.AnsweredBy, s.Failures = l.lastSuccess, l.answeredBy, l.failures
	s.Taken, s.Failed = l.taken, l.failed
	if l.last != nil {
		last := *l.last
		s.LastFailure = &last
	}
}

// StatusHandler serves the Status as JSON. It sends nothing to the source and holds no secret.
func (c *Credential) StatusHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, c.Status()) })
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "credential: status is not available", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(append(b, '\n')) //nolint:errcheck // the client has gone
}
