// Package survivaltest measures how credentials get through the failures of a pod's
// start: each way to fail, for each length of time, one cell.
package survivaltest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// Scope is what every cell asks for.
const Scope = "https://storage.azure.com/.default"

// TenantID is the tenant of every cell's identity.
const TenantID = "11111111-1111-1111-1111-111111111111"

// patience is the context of each request: no cell is cut short by its caller.
const patience = 200 * time.Second

// Maker makes the credential under test, for one identity and one endpoint.
type Maker func(clientID string, endpoint policy.Transporter) (azcore.TokenCredential, error)

// Windows are the lengths of the failures.
func Windows() []time.Duration {
	seconds := []time.Duration{1, 5, 15, 30, 60, 90, 120, 170}
	for i := range seconds {
		seconds[i] *= time.Second
	}
	return seconds
}

// Cell is one measurement.
type Cell struct {
	Behaviour string
	Window    time.Duration
	Survived  bool
	Took      time.Duration // until the token or the error
	// Late is Took beyond the moment from which the source would have answered a
	// request: its recovery, or the end of the Retry-After it gave last before.
	Late     time.Duration
	Requests int
	Err      error
}

// Lab is what the cells share: a tenant that signs tokens, slow to make.
type Lab struct {
	entra *credentialtest.Entra
	cells int
}

// NewLab returns a Lab.
func NewLab() (*Lab, error) {
	entra, err := credentialtest.NewEntra(credentialtest.NewDirectory(), nil)
	if err != nil {
		return nil, fmt.Errorf("survival: %w", err)
	}
	return &Lab{entra: entra}, nil
}

// Measure runs one cell. Inside a testing/synctest bubble it takes no time. A cell
// has an identity of its own, because MSAL's cache belongs to the process. Not safe
// for concurrent use.
func (l *Lab) Measure(ctx context.Context, b credentialtest.Behaviour, window time.Duration, retryAfter time.Duration, make Maker) (Cell, error) {
	l.cells++
	clientID := fmt.Sprintf("cccccccc-0000-4000-8000-%012d", l.cells)
	imds, err := credentialtest.NewIMDS(l.entra, &credentialtest.IMDSOptions{
		UserAssigned: []credentialtest.Identity{{TenantID: TenantID, ClientID: clientID, ObjectID: clientID}}})
	if err != nil {
		return Cell{}, fmt.Errorf("survival: %w", err)
	}
	return run(ctx, imds, clientID, b, window, retryAfter, make)
}

func run(ctx context.Context, healthy http.Handler, clientID string, b credentialtest.Behaviour, window, retryAfter time.Duration, make Maker) (Cell, error) {
	endpoint := credentialtest.NewTimeline(healthy, credentialtest.Phase{Behaviour: b, For: window})
	cred, err := make(clientID, endpoint)
	if err != nil {
		return Cell{}, fmt.Errorf("survival: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	start := time.Now()
	endpoint.Start()
	_, err = cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{Scope}})
	c := Cell{Behaviour: b.Name, Window: window, Survived: err == nil, Took: time.Since(start), Requests: endpoint.Requests(), Err: err}
	c.Late = max(0, c.Took-permitted(window, retryAfter))
	return c, nil
}

// permitted is when the source would answer at the earliest: a client that obeys
// Retry-After asks at its multiples.
func permitted(window, retryAfter time.Duration) time.Duration {
	if retryAfter <= 0 {
		return window
	}
	return (window + retryAfter - 1) / retryAfter * retryAfter
}
