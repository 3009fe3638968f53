package credentialtest

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// refusal is an AADSTS code with what its text needs beyond the exchange.
type refusal struct {
	code   int
	detail string
}

// token is the token endpoint, of version 2 or 1 of the protocol.
func (e *Entra) token(w http.ResponseWriter, r *http.Request, tenant string, v1 bool) {
	x := &Exchange{Time: time.Now(), TenantID: tenant, CorrelationID: r.Header.Get("client-request-id")}
	form, bad := readForm(r)
	if bad == nil {
		fill(x, form, v1)
		if a := e.consult(*x); a != nil {
			e.answer(w, r, x, *a)
			return
		}
		var id Identity
		if id, bad = e.authenticate(r, x, form); bad == nil {
			e.grant(w, x, id, v1)
			return
		}
	}
	e.refuse(w, x, Answer{Code: bad.code}, bad.detail)
}

func readForm(r *http.Request) (url.Values, *refusal) {
	if r.Method != http.MethodPost {
		return nil, &refusal{70002, "Endpoint only accepts POST requests."}
	}
	r.Body = http.MaxBytesReader(nil, r.Body, 1<<20)
	if err := r.ParseForm(); err != nil {
		return nil, &refusal{70002, "The request body cannot be read."}
	}
	if grant := r.PostForm.Get("grant_type"); grant != "client_credentials" {
		return nil, &refusal{70003, grant}
	}
	return r.PostForm, nil
}

// fill writes down what the request says, verified or not.
func fill(x *Exchange, form url.Values, v1 bool) {
	x.ClientID = form.Get("client_id")
	x.Resource = form.Get("resource")
	if !v1 {
		x.Resource = strings.TrimSuffix(form.Get("scope"), "/.default")
		for s := range strings.FieldsSeq(form.Get("scope")) {
			if base, ok := strings.CutSuffix(s, "/.default"); ok {
				x.Resource = base
			}
		}
	}
	x.CAE = declaresCAE(form.Get("claims"))
	if t, err := parseJWT(form.Get("client_assertion")); err == nil {
		x.Issuer, x.Subject, x.KeyID, x.TokenID = t.claims.String("iss"), t.claims.String("sub"), t.header.KeyID, t.claims.String("jti")
		if aud := t.claims.Audiences(); len(aud) > 0 {
			x.Audience = aud[0]
		}
	}
}

// declaresCAE reads the client capability "cp1" from the claims parameter, which
// is how a client says that it handles claims challenges:
// https://learn.microsoft.com/entra/identity-platform/claims-challenge.
func declaresCAE(claims string) bool {
	var c struct {
		AccessToken struct {
			CC struct {
				Values []string `json:"values"`
			} `json:"xms_cc"`
		} `json:"access_token"`
	}
	if json.Unmarshal([]byte(claims), &c) != nil {
		return false
	}
	return slices.ContainsFunc(c.AccessToken.CC.Values, func(v string) bool { return strings.EqualFold(v, "cp1") })
}

// authenticate finds the identity and checks that the request may act as it.
func (e *Entra) authenticate(r *http.Request, x *Exchange, form url.Values) (Identity, *refusal) {
	id, err := e.trust.Identity(r.Context(), x.TenantID, x.ClientID)
	switch {
	case errors.Is(err, ErrUnknownTenant):
		return id, &refusal{code: 90002}
	case errors.Is(err, ErrUnknownClient):
		return id, &refusal{code: 700016}
	case err != nil:
		return id, &refusal{code: 90090}
	case id.Disabled:
		return id, &refusal{code: 7000112}
	}
	if x.Resource == "" {
		return id, &refusal{code: 70011}
	}
	if e.opts.Resources != nil && !slices.Contains(e.opts.Resources, x.Resource) {
		return id, &refusal{code: 500011}
	}
	switch assertion, secret := form.Get("client_assertion"), form.Get("client_secret"); {
	case assertion != "" && form.Get("client_assertion_type") == jwtBearer:
		return id, e.checkAssertion(r.Context(), x, id, assertion)
	case secret == "":
		return id, &refusal{code: 7000218}
	case id.Secret == "" || secret != id.Secret:
		return id, &refusal{code: 7000215}
	}
	return id, nil
}

func (e *Entra) grant(w http.ResponseWriter, x *Exchange, id Identity, v1 bool) {
	if e.unlucky() {
		e.refuse(w, x, Answer{Code: 700213}, "")
		return
	}
	t, err := e.mint(id, x.Resource, x.CAE)
	if err != nil {
		e.refuse(w, x, Answer{Code: 90090}, "")
		return
	}
	x.Status, x.TraceID = http.StatusOK, e.traceID()
	e.record(*x)
	w.Header().Set("x-ms-request-id", x.TraceID)
	w.Header().Set("Cache-Control", "no-store, no-cache")
	seconds := int(t.ExpiresOn.Sub(t.NotBefore)/time.Second) - 1
	if v1 {
		writeJSON(w, http.StatusOK, map[string]string{
			"token_type": "Bearer", "access_token": t.Value, "resource": x.Resource,
			"expires_in": strconv.Itoa(seconds), "ext_expires_in": strconv.Itoa(seconds),
			"expires_on": strconv.FormatInt(t.ExpiresOn.Unix(), 10), "not_before": strconv.FormatInt(t.NotBefore.Unix(), 10),
		})
		return
	}
	body := map[string]any{"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": t.Value}
	if seconds >= 7200 {
		body["refresh_in"] = seconds / 2
	}
	writeJSON(w, http.StatusOK, body)
}
