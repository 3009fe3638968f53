package credential_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/internal/survivaltest"
)

// dialTo makes the real metadata client reach a server instead of 169.254.169.254.
func dialTo(server *credentialtest.Server) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Address())
	}
}

func TestStartUpFailuresAreSurvivedOnRealSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("takes the time that sockets take")
	}
	for _, row := range survivaltest.Rows() {
		if row.RetryAfter > 0 {
			continue // waits 20 s and more; the test in memory has it
		}
		t.Run(row.Behaviour.Name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, credentialtest.EntraOptions{})
			w.imds.Attach(w.identity())
			timeline := credentialtest.NewTimeline(w.imds, credentialtest.Phase{Behaviour: row.Behaviour, For: time.Second})
			server, err := credentialtest.Serve(timeline, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			driven := make(chan error, 1)
			go func() { driven <- timeline.Drive(t.Context(), server) }()
			cred := w.pod(t, nil, func(o *credential.Options) { o.DialIMDS = dialTo(server) })
			token, err := cred.GetToken(t.Context(), ask(scope))
			if err != nil || owner(t, token) != w.client {
				t.Errorf("did not survive: %v", err)
			}
			if err := <-driven; err != nil {
				t.Skipf("this system cannot play the behaviour: %v", err)
			}
		})
	}
}
