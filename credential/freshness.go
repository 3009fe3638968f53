package credential

import (
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

const (
	// longLived tokens are refreshed after half their life, as Microsoft advises.
	// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq
	longLived = 2 * time.Hour
	// refreshAhead is how long before its end a shorter token is refreshed, or a
	// quarter of its life if that is less.
	refreshAhead = 10 * time.Minute
	// refreshSpread is how much earlier a refresh may start by jitter, or a tenth of
	// the life if that is less.
	refreshSpread = 3 * time.Minute
	// closingTime is the end of a life in which callers wait for a successor, at
	// most closingWait, or a tenth of the life if that is less.
	closingTime = time.Minute
	closingWait = time.Second
	// refreshRest is the pause after a background refresh that failed or brought
	// nothing newer.
	refreshRest = 30 * time.Second
	// failureRest is how long a failure is repeated to new callers without asking again.
	failureRest = time.Second
	// wallLook is how often a token in use is compared with the clocks.
	wallLook = time.Second
)

// freshness is how usable a token is.
type freshness int

const (
	expired freshness = iota // not usable
	closing                  // usable, but a successor is better
	due                      // usable, refresh in the background
	fresh
)

// newState plans the life of a token that arrived now. mono is the same moment on
// the Credential's clock.
func newState(token azcore.AccessToken, now time.Time, mono time.Duration, rand float64) *state {
	life := token.ExpiresOn.Sub(now)
	ahead := min(refreshAhead, life/4)
	if life > longLived {
		ahead = life / 2
	}
	if !token.RefreshOn.IsZero() && token.RefreshOn.After(now) && token.RefreshOn.Before(token.ExpiresOn) {
		ahead = token.ExpiresOn.Sub(token.RefreshOn)
	}
	ahead += time.Duration(rand * float64(min(refreshSpread, life/10)))
	s := &state{token: token, refresh: mono + life - ahead, closing: mono + life - min(closingTime, life/10), expires: mono + life}
	s.token.RefreshOn = token.ExpiresOn.Add(-ahead)
	s.trust(mono)
	return s
}

// trust lets readers use a fresh token without a look at the clocks, for a moment.
// The timer is the only thing that is left behind by a call, and not for longer.
func (s *state) trust(mono time.Duration) {
	if d := min(wallLook, s.refresh-mono); d > 0 && s.trusted.CompareAndSwap(false, true) {
		time.AfterFunc(d, func() { s.trusted.Store(false) })
	}
}

// judge compares the token with both clocks. The monotonic clock decides whether it
// is usable. The wall clock can only ask for a successor: it may have been set, but
// so may the machine have slept, during which the monotonic clock stands still.
func (s *state) judge(now time.Time, mono time.Duration) freshness {
	switch {
	case mono >= s.expires:
		return expired
	case mono >= s.closing || !now.Before(s.token.ExpiresOn):
		return closing
	case mono >= s.refresh:
		return due
	}
	return fresh
}
