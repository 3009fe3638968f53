package credentialtest

import (
	"slices"
	"time"
)

// Exchange is one token request to [Entra] and how it ended. It never holds an
// assertion, a secret or a token.
type Exchange struct {
	Time               time.Time
	TenantID, ClientID string
	// Resource is the scope without "/.default".
	Resource string
	// Issuer, Subject, Audience and KeyID are what the assertion claims, verified
	// or not. Audience is the first one. TokenID is its "jti", by which two tokens
	// of one service account differ.
	Issuer, Subject, Audience, KeyID, TokenID string
	// CAE says that the client declared the capability "cp1".
	CAE bool
	// Status and Code are the answer: Code is the AADSTS number, 0 for a token.
	// Both are 0 while the exchange is given to a [Rule].
	Status, Code           int
	TraceID, CorrelationID string
}

// Exchanges returns the remembered exchanges in the order in which they ended.
// Once there are more than [EntraOptions].Record the oldest are forgotten.
func (e *Entra) Exchanges() []Exchange {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.exchanges)
}

// Total returns how many token requests were answered, forgotten ones included.
func (e *Entra) Total() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.total
}

// Counts returns the number of remembered exchanges by AADSTS code, 0 for those
// that ended with a token.
func (e *Entra) Counts() map[int]int {
	counts := map[int]int{}
	for _, x := range e.Exchanges() {
		counts[x.Code]++
	}
	return counts
}

func (e *Entra) record(x Exchange) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.total++
	if len(e.exchanges) >= 2*e.opts.Record {
		e.exchanges = slices.Clone(e.exchanges[len(e.exchanges)-e.opts.Record+1:])
	}
	e.exchanges = append(e.exchanges, x)
}
