package credentialtest_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

const s, ms = time.Second, time.Millisecond

// measured is what bare azidentity 1.15.0 did against a real endpoint that
// failed for 1, 5, 15, 30, 60 and 90 seconds, with a caller's limit of 175 s:
// the range of times to a token, widened to what azidentity's jitter allows.
// Zero: it gave up.
var measured = map[string][6][2]time.Duration{
	"404, not assigned yet":      {{1600 * ms, 2700 * ms}, {6 * s, 10500 * ms}, {17 * s, 29 * s}, {41 * s, 54 * s}, {66 * s, 79 * s}, {91 * s, 104 * s}},
	"500, pod unknown":           {{1600 * ms, 2700 * ms}, {6 * s, 10500 * ms}, {17 * s, 29 * s}, {41 * s, 54 * s}, {66 * s, 79 * s}, {91 * s, 104 * s}},
	"503 without Retry-After":    {{1600 * ms, 2700 * ms}, {6 * s, 10500 * ms}, {17 * s, 29 * s}, {41 * s, 54 * s}, {66 * s, 79 * s}, {91 * s, 104 * s}},
	"429":                        {{1600 * ms, 2700 * ms}, {6 * s, 10500 * ms}, {17 * s, 29 * s}, {41 * s, 54 * s}, {66 * s, 79 * s}, {91 * s, 104 * s}},
	"503 with Retry-After 20":    {{20 * s, 20 * s}, {20 * s, 20 * s}, {20 * s, 20 * s}, {40 * s, 40 * s}, {60 * s, 60 * s}, {100 * s, 100 * s}},
	"503 with Retry-After 30":    {},
	"403, identity not attached": {},
	"400 Identity not found":     {},
	"400 Multiple identities":    {},
	"200 with HTML":              {},
	"connection refused":         {{1600 * ms, 2700 * ms}, {6 * s, 10500 * ms}, {17 * s, 29 * s}, {41 * s, 54 * s}, {66 * s, 79 * s}, {91 * s, 104 * s}},
	"SYN dropped":                {{1 * s, 1 * s}, {7 * s, 7 * s}, {15 * s, 15 * s}, {31 * s, 33 * s}, {66 * s, 71 * s}, {107 * s, 119 * s}},
	"accepted, never answered":   {{61 * s, 63 * s}, {61 * s, 63 * s}, {61 * s, 63 * s}, {61 * s, 63 * s}, {61 * s, 63 * s}, {125 * s, 131 * s}},
	"held until recovery":        {{1 * s, 1 * s}, {5 * s, 5 * s}, {15 * s, 15 * s}, {30 * s, 30 * s}, {60 * s, 63 * s}, {90 * s, 90 * s}},
}

func TestBareAzidentityDoesWhatWasMeasured(t *testing.T) {
	behaviours := credentialtest.Behaviours()
	if len(behaviours) != len(measured) {
		t.Errorf("%d behaviours, %d measured", len(behaviours), len(measured))
	}
	for _, b := range behaviours {
		for i, window := range []time.Duration{1 * s, 5 * s, 15 * s, 30 * s, 60 * s, 90 * s} {
			t.Run(fmt.Sprintf("%s for %v", b.Name, window), func(t *testing.T) {
				entraKey()
				issuerKey()
				synctest.Test(t, func(t *testing.T) {
					clientID := freshClient()
					n := newNode(t, credentialtest.NMIOptions{}, credentialtest.NodeState{})
					n.attach(clientID)
					line := credentialtest.NewTimeline(n.imds, credentialtest.Phase{Behaviour: b, For: window})
					ctx, cancel := context.WithTimeout(t.Context(), 175*time.Second)
					defer cancel()
					begin := time.Now()
					_, err := managed(t, line, azidentity.ClientID(clientID)).GetToken(ctx, scopes)
					took, want := time.Since(begin), measured[b.Name][i]
					if (err == nil) != (want[1] > 0) || err == nil && (took < want[0] || took > want[1]) {
						t.Errorf("after %v: %v; measured: a token after %v", took, err, want)
					}
					if line.Requests() == 0 || !line.Recovery().Equal(begin.Add(window)) {
						t.Errorf("%d requests, recovery after %v", line.Requests(), line.Recovery().Sub(begin))
					}
				})
			})
		}
	}
}

func TestATimelineHasSeveralPhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := credentialtest.NewTimeline(credentialtest.Canned{Body: "healthy"},
			credentialtest.Phase{Behaviour: credentialtest.Refused(), For: 2 * s},
			credentialtest.Phase{Behaviour: credentialtest.SYNDropped(s), For: 2 * s},
			credentialtest.Phase{Behaviour: credentialtest.Answering("teapot", credentialtest.Canned{Status: 418}), For: 2 * s},
		)
		if !line.Recovery().IsZero() {
			t.Error("it began by itself")
		}
		var got []string
		begin := time.Now()
		for range 7 {
			res, _, err := tryAsk(t.Context(), line, "http://x/", nil)
			switch {
			case err != nil:
				got = append(got, fmt.Sprintf("%v %v", time.Since(begin), err))
			default:
				got = append(got, fmt.Sprintf("%v %d", time.Since(begin), res.StatusCode))
			}
			time.Sleep(s)
		}
		want := []string{
			"0s dial tcp: connect: connection refused", "1s dial tcp: connect: connection refused",
			"3s dial tcp: i/o timeout", "4s 418", "5s 418", "6s 200", "7s 200",
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestATimelineDrivesAServer(t *testing.T) {
	phases := []credentialtest.Phase{
		{Behaviour: credentialtest.Refused(), For: 100 * ms},
		{Behaviour: credentialtest.Answering("404", credentialtest.Canned{Status: 404}), For: 100 * ms},
		{Behaviour: credentialtest.Held(), For: 100 * ms},
	}
	line := credentialtest.NewTimeline(credentialtest.Canned{Body: "healthy"}, phases...)
	server, err := credentialtest.Serve(line, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	done := make(chan error, 1)
	go func() { done <- line.Drive(t.Context(), server) }()
	transport := server.Transport("")
	defer transport.CloseIdleConnections()
	for healthy := false; !healthy; { // what is seen on the way depends on the machine
		res, body, err := tryAsk(t.Context(), transport, server.URL, nil)
		healthy = err == nil && res.StatusCode == http.StatusOK && body == "healthy"
		time.Sleep(5 * ms)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	// Cancelled in an outage, it leaves the server up.
	line = credentialtest.NewTimeline(credentialtest.Canned{}, credentialtest.Phase{Behaviour: credentialtest.Refused(), For: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
	defer cancel()
	if err := line.Drive(ctx, server); err == nil {
		t.Error("an outage of an hour was over")
	}
	if err := get(t.Context(), server); err != nil {
		t.Error(err)
	}
}
