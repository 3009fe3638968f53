package credentialtest_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// try asks once and returns the AADSTS code, 0 for a token.
func (w *world) try(t *testing.T, raw string) int {
	t.Helper()
	_, err := workload(t, w.hosts, raw, nil).GetToken(t.Context(), scopes)
	if err == nil {
		return 0
	}
	code, _ := refusedWith(t, err)
	return code
}

// check asks at each instant, counted from now, and compares the codes.
func (w *world) check(t *testing.T, raw string, steps []step) {
	t.Helper()
	start := time.Now()
	for _, s := range steps {
		time.Sleep(time.Until(start.Add(s.at)))
		if got := w.try(t, raw); got != s.want {
			t.Errorf("after %v: AADSTS%d, want AADSTS%d", s.at, got, s.want)
		}
	}
}

type step struct {
	at   time.Duration
	want int
}

func TestPropagation(t *testing.T) {
	const s, m = time.Second, time.Minute
	unfederated := func(w *world) {
		id := identity()
		id.Credentials = nil
		w.dir.Put(id)
	}
	for name, tt := range map[string]struct {
		opts   credentialtest.EntraOptions
		change func(*testing.T, *world)
		steps  []step
	}{
		"a new credential works when it has propagated": {
			opts: credentialtest.EntraOptions{Propagation: 90 * s},
			change: func(t *testing.T, w *world) {
				unfederated(w)
				mustFederate(t, w, trust())
			},
			steps: []step{{0, 70025}, {89 * s, 70025}, {90 * s, 0}},
		},
		"a removed credential works until that has propagated": {
			opts: credentialtest.EntraOptions{Propagation: 90 * s},
			change: func(t *testing.T, w *world) {
				if err := w.dir.Unfederate(client, trust().Name); err != nil {
					t.Fatal(err)
				}
			},
			steps: []step{{0, 0}, {89 * s, 0}, {90 * s, 70025}},
		},
		"a replaced credential is the old one, then the new one": {
			opts: credentialtest.EntraOptions{Propagation: 90 * s},
			change: func(t *testing.T, w *world) {
				c := trust()
				c.Subject = "system:serviceaccount:payments:web"
				mustFederate(t, w, c)
			},
			steps: []step{{0, 0}, {89 * s, 0}, {90 * s, 700213}},
		},
		"asking too early makes it take longer": {
			opts: credentialtest.EntraOptions{Propagation: 30 * s, NegativeCache: 2 * m},
			change: func(t *testing.T, w *world) {
				unfederated(w)
				mustFederate(t, w, trust())
			},
			steps: []step{{10 * s, 70025}, {31 * s, 70025}, {129 * s, 70025}, {130 * s, 0}, {3 * m, 0}},
		},
		"not asking too early does not": {
			opts: credentialtest.EntraOptions{Propagation: 30 * s, NegativeCache: 2 * m},
			change: func(t *testing.T, w *world) {
				unfederated(w)
				mustFederate(t, w, trust())
			},
			steps: []step{{31 * s, 0}},
		},
		"without delay a change works at once": {
			change: func(t *testing.T, w *world) {
				unfederated(w)
				mustFederate(t, w, trust())
			},
			steps: []step{{0, 0}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			issuerKey() // made outside the bubble
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, tt.opts)
				tt.change(t, w)
				w.check(t, w.mint(t, credentialtest.ServiceAccountToken{}), tt.steps)
			})
		})
	}
}

func mustFederate(t *testing.T, w *world, c credentialtest.FederatedCredential) {
	t.Helper()
	if err := w.dir.Federate(client, c); err != nil {
		t.Fatal(err)
	}
}

func TestKeyRotation(t *testing.T) {
	for name, tt := range map[string]struct {
		cache  time.Duration
		retire bool
		old    []step
		fresh  []step
	}{
		"without a cache a new key is known at once, and old tokens still work": {
			old: []step{{0, 0}}, fresh: []step{{0, 0}},
		},
		"with a cache a new key is unknown until it ends": {
			cache: 20 * time.Minute,
			old:   []step{{0, 0}},
			fresh: []step{{0, 7000272}, {19 * time.Minute, 7000272}, {20 * time.Minute, 0}},
		},
		"a retired key fails, but not before the cache ends": {
			cache: 20 * time.Minute, retire: true,
			old: []step{{0, 0}, {19 * time.Minute, 0}, {20 * time.Minute, 7000272}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			issuerKey()
			otherKey()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, credentialtest.EntraOptions{KeyCache: tt.cache})
				old := w.mint(t, credentialtest.ServiceAccountToken{})
				w.check(t, old, []step{{0, 0}})
				before := w.issuer.KeyID()
				after, err := w.issuer.Rotate(otherKey())
				if err != nil || after == before || w.issuer.KeyID() != after {
					t.Fatalf("rotated from %s to %s: %v", before, after, err)
				}
				if tt.retire {
					w.issuer.Retire()
				}
				fresh := w.mint(t, credentialtest.ServiceAccountToken{})
				w.check(t, old, tt.old)
				w.check(t, fresh, tt.fresh)
			})
		})
	}
}

func TestNoiseIsARateAndASeedDecidesIt(t *testing.T) {
	run := func(seed uint64) (hits []int) {
		w := newWorld(t, credentialtest.EntraOptions{Noise: 0.25, Seed: seed})
		raw := w.mint(t, credentialtest.ServiceAccountToken{})
		for i := range 200 {
			switch code := w.try(t, raw); code {
			case 700213:
				hits = append(hits, i)
			case 0:
			default:
				t.Fatalf("AADSTS%d", code)
			}
		}
		return hits
	}
	a, again, b := run(1), run(1), run(2)
	if len(a) < 30 || len(a) > 70 {
		t.Errorf("%d of 200 refused at a rate of 0.25", len(a))
	}
	if !slices.Equal(a, again) {
		t.Error("the same seed gave other noise")
	}
	if slices.Equal(a, b) {
		t.Error("another seed gave the same noise")
	}
}
