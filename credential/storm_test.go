package credential_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// storm is a node where everything happens at once: the pod is learned and its
// identity assigned late, NMI's rule comes and goes, and while it is away the node
// answers every request with its own identity.
func storm(t *testing.T, w *world, rnd *rand.Rand) *credentialtest.Gateway {
	t.Helper()
	seconds := func(most int) time.Duration { return time.Duration(rnd.IntN(most*1000)) * time.Millisecond }
	node := credentialtest.NewNode(credentialtest.NodeState{})
	node.After(seconds(40), func(s *credentialtest.NodeState) {
		s.Pods = []credentialtest.Pod{{Namespace: "payments", Name: "api-0", IP: podIP}}
	})
	node.AssignLater("payments", "api-0", w.azureIdentity(), seconds(40), 40*time.Second+seconds(60))
	nmi, err := credentialtest.NewNMI(node, credentialtest.InMemory(w.imds), &credentialtest.NMIOptions{RetryAfterHeader: rnd.IntN(2) == 0})
	if err != nil {
		t.Fatal(err)
	}
	gateway := credentialtest.NewGateway(nmi, w.answers(t, credentialtest.Identity{TenantID: tenant, ClientID: kubelet}))
	on := true
	gateway.Bypass(on)
	for at := seconds(20); at < 4*time.Minute; at += 3*time.Second + seconds(20) {
		on = !on
		now := on
		time.AfterFunc(at, func() { gateway.Bypass(now) })
	}
	time.AfterFunc(4*time.Minute, func() { gateway.Bypass(false) })
	return gateway
}

func TestInAStormNoCallerIsLateAndNoTokenIsWrong(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			w := newWorld(t, credentialtest.EntraOptions{TokenLifetime: time.Duration(2+rnd.IntN(90)) * time.Minute})
			w.imds.Attach(w.identity())
			gateway := storm(t, w, rnd)
			cred := w.pod(t, gateway.Dial(podIP, rnd.IntN(2) == 0), func(o *credential.Options) { o.Rand = rand.New(rand.NewPCG(seed, 2)).Float64 })
			var all sync.WaitGroup
			for i := range 20 {
				caller := rand.New(rand.NewPCG(seed, uint64(10+i)))
				all.Go(func() {
					for range 20 {
						time.Sleep(time.Duration(caller.IntN(12000)) * time.Millisecond)
						stormCall(t, w, cred, caller)
					}
				})
			}
			all.Wait()
			time.Sleep(10 * time.Minute)
			if _, err := cred.GetToken(t.Context(), ask(scope)); err != nil {
				t.Errorf("seed %d: no token after the storm: %v", seed, err)
			}
		})
	}
}

func stormCall(t *testing.T, w *world, cred *credential.Credential, caller *rand.Rand) {
	patience := time.Duration(1+caller.IntN(20000)) * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	o := ask(fmt.Sprintf("https://service-%d.example/.default", caller.IntN(4)))
	o.EnableCAE = caller.IntN(2) == 0
	if caller.IntN(10) == 0 {
		o.Claims = `{"access_token":{"nbf":{"essential":true}}}`
	}
	start := time.Now()
	token, err := cred.GetToken(ctx, o)
	if took := time.Since(start); took > patience {
		t.Errorf("a caller with %s of patience waited %s", patience, took)
	}
	if err != nil {
		return
	}
	claims, err := w.entra.Verify(token.Token)
	if err != nil || claims.String("appid") != w.client || claims.String("aud") != strings.TrimSuffix(o.Scopes[0], "/.default") {
		t.Errorf("token of %s for %s: %v", claims.String("appid"), claims.String("aud"), err)
	}
}

func TestTheStartUpWindowOpensWithTheFirstFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, credentialtest.EntraOptions{})
		cred := w.pod(t, transport(says(404, nmi, "not yet")), nil)
		time.Sleep(time.Hour) // nobody asked, so nothing has failed
		start := time.Now()
		if _, err := cred.GetToken(t.Context(), ask(scope)); err == nil || time.Since(start) < 3*time.Minute {
			t.Errorf("gave up after %s", time.Since(start))
		}
		start = time.Now()
		time.Sleep(2 * time.Second)
		if _, err := cred.GetToken(t.Context(), ask("https://other.example/.default")); err == nil || time.Since(start) > 20*time.Second {
			t.Errorf("after the window a request took %s", time.Since(start))
		}
		if s := cred.Status(); s.Window.Open || s.Window.Closes.Sub(s.Window.Opened) != 3*time.Minute {
			t.Errorf("window %+v", s.Window)
		}
	})
}
