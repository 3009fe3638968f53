package credential

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	// ErrNotFederated means Entra knows no federated credential for the pod's
	// service account: not created, not the same issuer, subject or audience byte
	// for byte, or not propagated yet.
	ErrNotFederated = errors.New("no matching federated credential")
	// ErrWrongIdentity means a token was refused because it is another identity's.
	ErrWrongIdentity = errors.New("token of another identity refused")
	// ErrNoIdentity means the environment names no identity: probably not a pod
	// that takes part in the migration. A program may then use another credential.
	ErrNoIdentity = errors.New("no identity in the environment")
)

// ConfigError is returned by New and Wrap: the options and the environment do not
// make a credential.
type ConfigError struct {
	Setting string // the variable or option that is wrong
	Problem string
	Remedy  string
	Err     error

	missing bool
}

func (e *ConfigError) Error() string {
	msg := fmt.Sprintf("credential: %s: %s", e.Setting, e.Problem)
	if e.Err != nil {
		msg += ": " + e.Err.Error()
	}
	if e.Remedy != "" {
		msg += "; " + e.Remedy
	}
	return msg
}

// Unwrap returns ErrNoIdentity when no identity is named at all, and the cause.
func (e *ConfigError) Unwrap() []error {
	var errs []error
	if e.missing {
		errs = append(errs, ErrNoIdentity)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// IdentityError says that a token was refused because it is not, or cannot be
// shown to be, the expected identity's. The token was cached nowhere.
type IdentityError struct {
	WantClientID  string
	GotClientID   string
	GotResourceID string
	GotTenantID   string
	Reason        string
}

func (e *IdentityError) Error() string {
	msg := "token refused: " + e.Reason
	if e.GotResourceID != "" {
		msg += " (" + e.GotResourceID + ")"
	}
	return msg
}

// Is reports true for ErrWrongIdentity.
func (e *IdentityError) Is(target error) bool { return target == ErrWrongIdentity }

// TokenError is returned when no token could be had. It unwraps to the last error
// of azidentity, to the caller's context error if that ended the wait, and to
// ErrNotFederated or an *IdentityError where they apply.
type TokenError struct {
	Path     Path
	Source   Source // who gave the last answer
	Scopes   []string
	ClientID string
	Decision string        // name of the last row of the decision table, see Decisions
	Status   int           // HTTP status of the last answer, 0 if there was none
	Codes    []int         // AADSTS codes of the last answer
	Attempts int           // requests sent, overlapping ones included
	Elapsed  time.Duration // since the first of them
	// Permanent means that trying again without changing something cannot help.
	Permanent bool
	Meaning   string // what the last answer means
	Remedy    string // what to do
	Said      string // the last answer in its own words, on one line, without secrets

	errs []error
}

func (e *TokenError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "credential: no token for %s through %s", strings.Join(e.Scopes, " "), e.Path)
	if e.ClientID != "" {
		fmt.Fprintf(&b, " as %s", e.ClientID)
	}
	if e.Attempts > 0 {
		fmt.Fprintf(&b, " after %d %s in %s", e.Attempts, plural(e.Attempts, "request"), e.Elapsed.Round(100*time.Millisecond))
	}
	if e.Meaning != "" {
		b.WriteString(": " + e.Meaning)
	}
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	switch {
	case e.Said != "" && e.Status != 0:
		fmt.Fprintf(&b, " (%s said %d: %s)", e.Source, e.Status, e.Said)
	case e.Said != "":
		fmt.Fprintf(&b, " (%s)", e.Said)
	}
	for _, err := range e.errs {
		if e.Said == "" && !errors.Is(err, ErrNotFederated) || isContextError(err) {
			b.WriteString(": " + redact(oneLine(err.Error())))
		}
	}
	return b.String()
}

// Unwrap returns the causes, for errors.Is and errors.As.
func (e *TokenError) Unwrap() []error { return e.errs }

// NonRetriable marks the error for azcore: its retry policies must not repeat
// what this package has already retried.
func (*TokenError) NonRetriable() {}

// isContextError reports whether err is a context's own error and nothing more.
func isContextError(err error) bool {
	return err == context.Canceled || err == context.DeadlineExceeded //nolint:errorlint // exactly these
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
