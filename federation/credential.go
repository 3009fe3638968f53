package federation

import (
	"strings"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// Triple is what Entra matches a token against, byte for byte
// (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations).
type Triple struct {
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
	Audience string `json:"audience"`
}

// Credential is a federated identity credential: the exact triple that may become an identity, and the name it is kept under.
// Entra compares issuer, subject and audience byte for byte
// (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations).
type Credential struct {
	Name     string `json:"name"`
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
	Audience string `json:"audience"`
}

// Triple returns the credential without its name.
func (c Credential) Triple() Triple {
	return Triple{Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience}
}

// State is what identities trust today. The key is an identity as catalog.Identity.Key gives it: a resource ID or a client ID, in
// lower case. An identity that is present with no credentials was read and trusts nothing; an absent one was not read.
type State map[string][]Credential

// Subject returns the subject of the tokens that Kubernetes issues to a service account.
func Subject(namespace, serviceAccount string) string {
	return workloadid.Subject(namespace, serviceAccount)
}

// ParseSubject returns the service account that a subject names; ok is false for any other subject.
func ParseSubject(subject string) (namespace, serviceAccount string, ok bool) {
	rest, ok := strings.CutPrefix(subject, "system:serviceaccount:")
	if !ok {
		return "", "", false
	}
	namespace, serviceAccount, ok = strings.Cut(rest, ":")
	if !ok || namespace == "" || serviceAccount == "" || strings.Contains(serviceAccount, ":") {
		return "", "", false
	}
	return namespace, serviceAccount, true
}
