package federation

// Credential is a federated identity credential: the exact triple that may become an identity, and the name it is kept under.
// Entra compares issuer, subject and audience byte for byte
// (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations).
type Credential struct {
	Name     string `json:"name"`
	Issuer   string `json:"issuer"`
	Subject  string `json:"subject"`
	Audience string `json:"audience"`
}

// State is what identities trust today. The key is an identity as catalog.Identity.Key gives it: a resource ID or a client ID, in
// lower case. An identity that is present with no credentials was read and trusts nothing; an absent one was not read.
type State map[string][]Credential
