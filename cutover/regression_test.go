package cutover_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
)

func TestNoRegression(t *testing.T) {
	type counts = map[string]int64
	for _, tc := range []struct {
		name        string
		before, now cutover.Failures
		err         error
		want        cutover.Result
		says        string
	}{
		{"no failure at all passes", cutover.Failures{Requests: 600}, cutover.Failures{Requests: 100}, nil, cutover.Pass, ""},
		{"the failures that there always were pass", cutover.Failures{Requests: 600, ByCode: counts{"403": 60}}, cutover.Failures{Requests: 100, ByCode: counts{"403": 12}}, nil, cutover.Pass, ""},
		{"more of them fail", cutover.Failures{Requests: 600, ByCode: counts{"403": 60}}, cutover.Failures{Requests: 100, ByCode: counts{"403": 16}}, nil, cutover.Fail, "403: 16 of 100 requests, want at most 15.00 %"},
		{"more load is no regression", cutover.Failures{Requests: 600, ByCode: counts{"403": 6}}, cutover.Failures{Requests: 6000, ByCode: counts{"403": 60}}, nil, cutover.Pass, ""},
		{"a new class fails with its first occurrence", cutover.Failures{Requests: 600}, cutover.Failures{Requests: 100000, ByCode: counts{"AADSTS700213": 1}}, nil, cutover.Fail, "AADSTS700213"},
		{"without requests nothing is known", cutover.Failures{Requests: 600}, cutover.Failures{}, nil, cutover.Inconclusive, "no request was seen"},
		{"what cannot be read is unknown", cutover.Failures{}, cutover.Failures{}, errors.New("timeout"), cutover.Inconclusive, "timeout"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				since := time.Now()
				time.Sleep(10 * time.Minute)
				read := func(_ context.Context, _ cutover.Target, from, to time.Time) (cutover.Failures, error) {
					switch {
					case from.Equal(since) && to.Equal(time.Now()):
						return tc.now, tc.err
					case from.Equal(since.Add(-time.Hour)) && to.Equal(since):
						return tc.before, tc.err
					}
					t.Errorf("asked for %s to %s", from, to)
					return cutover.Failures{}, nil
				}
				target := apiTarget(nil)
				target.Since = since
				v := cutover.NoRegression(read, nil)(t.Context(), target)
				if v.Result != tc.want || !strings.Contains(v.Reason, tc.says) {
					t.Errorf("%+v; want %s with %q", v, tc.want, tc.says)
				}
			})
		})
	}
	t.Run("nobody who reads is a refusal", func(t *testing.T) {
		if v := cutover.NoRegression(nil, nil)(t.Context(), apiTarget(nil)); v.Result != cutover.Inconclusive {
			t.Errorf("%+v", v)
		}
	})
}

func TestStillSilentComparesWithItsLastLook(t *testing.T) {
	served, err := int64(7), error(nil)
	target := apiTarget(readerFuncs{list: listing(t)})
	target.Plan, target.Unit.ID = &cutover.Plan{Digest: "d"}, "u"
	target.Oracle = oracleFuncs{oldPath: func() ([]cutover.NMIReading, error) {
		return []cutover.NMIReading{{Instance: "a", Node: "n", Operations: served}}, err
	}}
	gate := cutover.StillSilent()
	for _, look := range []struct {
		name   string
		before func()
		want   cutover.Result
	}{
		{"the first look has nothing to compare with", func() {}, cutover.Inconclusive},
		{"silence passes", func() {}, cutover.Pass},
		{"a look that fails is unclear", func() { err = errors.New("timeout") }, cutover.Inconclusive},
		{"and what happened meanwhile is not forgotten", func() { err, served = nil, 8 }, cutover.Fail},
		{"a counter that fell is unclear", func() { served = 0 }, cutover.Inconclusive},
		{"and clear again afterwards", func() {}, cutover.Pass},
	} {
		look.before()
		if v := gate(t.Context(), target); v.Result != look.want {
			t.Errorf("%s: %+v, want %s", look.name, v, look.want)
		}
	}
}
