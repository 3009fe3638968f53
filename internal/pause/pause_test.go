package pause_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/internal/pause"
)

func TestFor(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		name   string
		d      time.Duration
		cut    time.Duration // when the context ends; 0 for never
		ended  bool
		want   error
		passed time.Duration
	}{
		{name: "the whole time", d: time.Hour, passed: time.Hour},
		{name: "until the context ends", d: time.Hour, cut: time.Minute, want: context.DeadlineExceeded, passed: time.Minute},
		{name: "not at all for a context that has ended", d: time.Hour, ended: true, want: context.Canceled},
		{name: "not at all for no time", d: 0},
		{name: "not at all for less than none", d: -time.Hour},
		{name: "and still says that the context has ended", d: -time.Hour, ended: true, want: context.Canceled},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tc.ended {
					ctx = ended
				}
				if tc.cut > 0 {
					var stop context.CancelFunc
					ctx, stop = context.WithTimeout(ctx, tc.cut)
					defer stop()
				}
				begin := time.Now()
				if err := pause.For(ctx, tc.d); !errors.Is(err, tc.want) {
					t.Errorf("error %v, want %v", err, tc.want)
				}
				if d := time.Since(begin); d != tc.passed {
					t.Errorf("waited %s, want %s", d, tc.passed)
				}
			})
		})
	}
}
