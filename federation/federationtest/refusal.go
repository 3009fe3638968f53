package federationtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/federation"
)

// refusal is an answer that is not success, before a face has put it into its words.
type refusal struct {
	status     int
	code, text string
	retryAfter time.Duration
	dropped    bool // no answer at all
}

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status: status, code: code, text: fmt.Sprintf(format, args...)}
}

// incoming is a credential as a request carries it, not yet known to be one.
type incoming struct {
	name, issuer, subject string
	audiences             []string
	description           *string // nil leaves what is there
}

// check is what Azure checks of a credential by itself: little. A wrong issuer or subject is stored.
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations#errors
func (in incoming) check() *refusal {
	probe := federation.Credential{Name: in.name, Issuer: "https://x", Subject: "system:serviceaccount:x:x", Audience: "x"}
	switch {
	case probe.Validate() != nil:
		return refuse(http.StatusBadRequest, "BadRequest", "Federated Identity Credential name '%s' is invalid.", in.name)
	case in.issuer == "" || in.subject == "" || len(in.audiences) == 0:
		return refuse(http.StatusBadRequest, "BadRequest",
			"The request format was unexpected: The request for creating a federated identity credential must specify issuer, subject and audience.")
	case len(in.audiences) != 1:
		return refuse(http.StatusBadRequest, "BadRequest", "Federated identity credentials must have exactly one audience.")
	case max(len(in.issuer), len(in.subject), len(in.audiences[0])) > federation.MaxValueLength:
		return refuse(http.StatusBadRequest, "BadRequest", "The request format was unexpected: a property is longer than %d characters.", federation.MaxValueLength)
	}
	return nil
}

// put is the write itself. The caller holds the lock. It reports whether the credential is new.
func (c *Cloud) put(r *record, in incoming, graph bool) (created bool, _ *refusal) {
	if refused := in.check(); refused != nil {
		return false, refused
	}
	if !graph && slices.ContainsFunc(c.opts.UnsupportedRegions, func(region string) bool { return strings.EqualFold(region, r.location) }) {
		return false, refuse(http.StatusMethodNotAllowed, "MethodNotAllowed",
			"The request format was unexpected: Support for federated identity credentials not enabled")
	}
	now, same, live := time.Now(), -1, 0
	for i := range r.entries {
		e := &r.entries[i]
		if !e.at(now) {
			continue
		}
		live++
		switch {
		case strings.EqualFold(e.Name, in.name):
			same = i
		case e.Issuer == in.issuer && e.Subject == in.subject && graph:
			return false, refuse(http.StatusBadRequest, federation.CodeGraphInvalidValue,
				"The combination of issuer and subject must be unique for the application. Issuer %s and Subject: %s already exist.", in.issuer, in.subject)
		case e.Issuer == in.issuer && e.Subject == in.subject:
			return false, refuse(http.StatusBadRequest, "BadRequest", "Issuer and subject combination already exists for this Managed Identity.")
		}
	}
	stored := federation.Credential{Name: in.name, Issuer: in.issuer, Subject: in.subject, Audience: in.audiences[0]}
	if same < 0 {
		if live >= federation.MaxCredentials {
			return false, refuse(http.StatusBadRequest, "BadRequest", "Too many Federated Identity Credentials: at most %d are allowed.", federation.MaxCredentials)
		}
		added := entry{Credential: stored, written: now}
		if in.description != nil {
			added.description = *in.description
		}
		r.entries = append(r.entries, added)
		return true, nil
	}
	r.change(same, stored, in.description, now)
	return false, nil
}

// change puts a credential in the place of entry i; one that says the same keeps the time of its writing.
func (r *record) change(i int, to federation.Credential, description *string, now time.Time) {
	old := &r.entries[i]
	if description != nil {
		old.description = *description
	}
	to.Name = old.Name
	if old.Credential == to {
		return
	}
	old.removed = now
	r.entries = append(r.entries, entry{Credential: to, description: old.description, written: now})
}

// remove deletes a credential. The caller holds the lock. It reports whether there was one.
func (c *Cloud) remove(r *record, name string) bool {
	now := time.Now()
	for i := range r.entries {
		if r.entries[i].at(now) && strings.EqualFold(r.entries[i].Name, name) {
			r.entries[i].removed = now
			return true
		}
	}
	return false
}
