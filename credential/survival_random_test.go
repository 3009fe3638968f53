package credential_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// randomPhases is a start-up that fails in one way after another, for less than the window.
func randomPhases(rnd *rand.Rand, behaviours []credentialtest.Behaviour) (phases []credentialtest.Phase, total time.Duration) {
	left := time.Duration(rnd.Int64N(int64(170 * time.Second)))
	for n := 1 + rnd.IntN(6); n > 0; n-- {
		d := time.Duration(rnd.Int64N(int64(left) + 1))
		phases = append(phases, credentialtest.Phase{Behaviour: behaviours[rnd.IntN(len(behaviours))], For: d})
		left, total = left-d, total+d
	}
	return phases, total
}

// endpointOf makes the credential of a path that reaches a timeline.
func endpointOf(t *testing.T, w *world, path credential.Path, endpoint policy.Transporter, seed uint64) *credential.Credential {
	t.Helper()
	o := credential.Options{Path: path, LookupEnv: w.env, IMDSTransport: endpoint, Rand: rand.New(rand.NewPCG(seed, 2)).Float64}
	o.Transport = endpoint
	return create(t, o, nil)
}

func TestAnySequenceOfFailuresIsSurvivedOnBothPaths(t *testing.T) {
	t.Parallel()
	var behaviours []credentialtest.Behaviour
	for _, b := range credentialtest.Behaviours() {
		if !strings.Contains(b.Name, "with Retry-After") { // waits by order, not by need
			behaviours = append(behaviours, b)
		}
	}
	for seed := range uint64(40) {
		for _, path := range []credential.Path{credential.PodIdentity, credential.WorkloadIdentity} {
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(seed, 1))
				w := newWorld(t, credentialtest.EntraOptions{})
				w.federate(t)
				w.imds.Attach(w.identity())
				healthy := w.hosts["login.microsoftonline.com"]
				ways := behaviours
				if path == credential.PodIdentity {
					healthy = w.imds
				} else {
					ways = entraBehaviours()
				}
				phases, total := randomPhases(rnd, ways)
				timeline := credentialtest.NewTimeline(healthy, phases...)
				start := time.Now()
				token, err := endpointOf(t, w, path, timeline, seed).GetToken(t.Context(), ask(scope))
				if err != nil || owner(t, token) != w.client {
					t.Errorf("seed %d, %s: %v\nphases %+v", seed, path, err, phases)
				}
				if late := time.Since(start) - total; late > 2*time.Second {
					t.Errorf("seed %d, %s: %s late\nphases %+v", seed, path, late, phases)
				}
			})
		}
	}
}

// entraBehaviours are the ways in which Entra, or the way to it, fails for a while
// without a word about propagation or throttling.
func entraBehaviours() []credentialtest.Behaviour {
	return []credentialtest.Behaviour{
		credentialtest.Answering("503", credentialtest.Canned{Status: 503}),
		credentialtest.Answering("500", credentialtest.Canned{Status: 500, Body: "oops"}),
		credentialtest.Answering("reset", credentialtest.Canned{Reset: true}),
		credentialtest.Refused(), credentialtest.SYNDropped(0), credentialtest.NeverAnswered(), credentialtest.Held(),
	}
}
