package credential

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

// Clocks cannot be set in a test, so this one sees inside: the wall clock and the
// monotonic clock are parameters of judge.
func TestStepsOfTheWallClockDoNoHarm(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := newState(azcore.AccessToken{Token: "t", ExpiresOn: now.Add(time.Hour)}, now, 0, 0)
	cases := []struct {
		name string
		wall time.Duration // since the token came
		mono time.Duration
		want freshness
	}{
		{"no step: fresh", time.Minute, time.Minute, fresh},
		{"no step: due ten minutes before the end", 50 * time.Minute, 50 * time.Minute, due},
		{"no step: closing in the last minute", 59 * time.Minute, 59 * time.Minute, closing},
		{"no step: expired", time.Hour, time.Hour, expired},
		{"the clock is set back a day: the token still ends in time", time.Hour - 24*time.Hour, time.Hour, expired},
		{"the clock is set back a day: the refresh is in time", 50*time.Minute - 24*time.Hour, 50 * time.Minute, due},
		{"the clock is set ahead a day: usable, with a look for a successor", 24*time.Hour + time.Minute, time.Minute, closing},
		{"the machine slept for a day: look for a successor first", 24 * time.Hour, time.Minute, closing},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := s.judge(now.Add(c.wall), c.mono); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestTheRefreshComesEarlyEnoughAndItsJitterIsBounded(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, life := range []time.Duration{-time.Hour, 0, time.Second, time.Minute, time.Hour, 90 * time.Minute, 24 * time.Hour} {
		for _, rand := range []float64{0, 0.5, 0.999} {
			for _, hint := range []time.Duration{0, life / 2, -time.Hour, 2 * life} {
				token := azcore.AccessToken{ExpiresOn: now.Add(life)}
				if hint != 0 {
					token.RefreshOn = now.Add(hint)
				}
				s := newState(token, now, 0, rand)
				if life > 0 && (s.refresh < life/4 || s.refresh > s.closing || s.closing > s.expires) {
					t.Errorf("life %s, jitter %g, hint %s: refresh %s, closing %s, end %s", life, rand, hint, s.refresh, s.closing, s.expires)
				}
				if life > 0 && s.refresh > life {
					t.Errorf("refresh %s after the end %s", s.refresh, life)
				}
				s.trusted.Store(false)
			}
		}
	}
}
