package federation

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Limits of a federated identity credential, and of the identity that holds it.
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations#general-federated-identity-credential-considerations
const (
	// MaxCredentials is how many credentials one identity may hold, those of others and AKS's own included.
	MaxCredentials = 20
	// MinNameLength and MaxNameLength bound a credential's name.
	MinNameLength = 3
	MaxNameLength = 120
	// MaxValueLength bounds issuer, subject and audience, each.
	MaxValueLength = 600
)

// IdentityBindingName is the credential that AKS itself keeps on an identity with identity bindings; it is never written, deleted
// or reported (https://learn.microsoft.com/azure/aks/identity-bindings-concepts).
const IdentityBindingName = "aks-identity-binding"

// RuleError is a breach of one of the static rules above by one field of a credential.
type RuleError struct {
	// Field is name, issuer, subject or audience.
	Field string
	// Value is the offending value.
	Value string
	// Rule says what Azure demands.
	Rule string
}

// Error quotes the value, so that invisible characters show.
func (e *RuleError) Error() string {
	v := e.Value
	if len(v) > 80 {
		v = v[:77] + "..."
	}
	return fmt.Sprintf("federation: %s %q: %s", e.Field, v, e.Rule)
}

// Validate checks the credential against every static rule of Azure and returns all breaches, joined *RuleErrors, or nil. Azure itself
// stores a wrong issuer or subject without a word; it fails only when a token is exchanged.
func (c Credential) Validate() error {
	return errors.Join(validateName(c.Name), c.Triple().Validate())
}

// Validate checks the triple alone.
func (t Triple) Validate() error {
	return errors.Join(validateIssuer(t.Issuer), validateSubject(t.Subject), validateValue("audience", t.Audience))
}

func validateName(name string) error {
	if legalName(name) {
		return nil
	}
	return &RuleError{"name", name, "must be 3 to 120 letters, digits, '-' and '_', the first a letter or a digit"}
}

func legalName(name string) bool {
	if len(name) < MinNameLength || len(name) > MaxNameLength || !alphanumeric(name[0]) {
		return false
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return false
		}
	}
	return true
}

func alphanumeric(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}

func nameByte(b byte) bool { return alphanumeric(b) || b == '-' || b == '_' }

func validateIssuer(issuer string) error {
	if err := validateValue("issuer", issuer); err != nil {
		return err
	}
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return &RuleError{"issuer", issuer, "must be an https URL without query and fragment"}
	}
	return nil
}

// validateSubject holds the subject to what Kubernetes can put into a token.
func validateSubject(subject string) error {
	if err := validateValue("subject", subject); err != nil {
		return err
	}
	ns, sa, ok := ParseSubject(subject)
	if !ok || !dnsName(ns) || !dnsName(sa) {
		return &RuleError{"subject", subject, "must be system:serviceaccount:NAMESPACE:NAME, both names as Kubernetes allows them"}
	}
	return nil
}

// dnsName reports whether s can be the name of a namespace or a service account.
func dnsName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for i := range len(s) {
		b := s[i]
		if b != '-' && b != '.' && (b < '0' || b > '9') && (b < 'a' || b > 'z') {
			return false
		}
	}
	edge := func(b byte) bool { return b == '-' || b == '.' }
	return !edge(s[0]) && !edge(s[len(s)-1])
}

func validateValue(field, value string) error {
	switch {
	case value == "":
		return &RuleError{field, value, "must not be empty"}
	case len(value) > MaxValueLength:
		return &RuleError{field, value, fmt.Sprintf("must not be longer than %d bytes", MaxValueLength)}
	case strings.TrimSpace(value) != value:
		return &RuleError{field, value, "must not have space around it: Azure stores it, and no token ever matches"}
	case strings.Contains(value, "*"):
		return &RuleError{field, value, "must not hold a wildcard: matching is exact"}
	}
	for _, r := range value {
		if r < ' ' || r == 0x7f {
			return &RuleError{field, value, "must not hold control characters"}
		}
	}
	return nil
}
