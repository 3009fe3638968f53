package cutover

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Failures are what metrics or logs say about a unit's requests in an interval.
type Failures struct {
	// Requests are all of them, failed or not: what the failures are related to. None means that nothing could be seen.
	Requests int64
	// ByCode counts the failed ones by class, such as "AADSTS700213", "401", "403" or "token".
	ByCode map[string]int64
}

// RegressionOptions tune [NoRegression]. A zero field means its default.
type RegressionOptions struct {
	// Baseline is how far back the time before goes that is compared with; default: 1 hour.
	Baseline time.Duration
	// Recent is the least interval that is judged; default: 5 minutes.
	Recent time.Duration
	// Tolerance is by how much a rate may exceed its baseline, as a share of it; default: 0.5. Negative means not at all.
	Tolerance float64
}

// NoRegression returns a gate that compares how often requests of the unit fail, since the window opened, with the time before (V7).
// The reader asks whatever the user has, logs or metrics, for the requests of the unit's workloads that need a token. A class of failure
// that is more frequent than its baseline and the tolerance fails; one that never occurred before fails with its first occurrence.
//
// A reader that fails, or that saw no request at all, is inconclusive. A nil reader is a refusal: always inconclusive.
func NoRegression(read func(ctx context.Context, t Target, from, to time.Time) (Failures, error), opts *RegressionOptions) Gate {
	const name = "no regression"
	var o RegressionOptions
	if opts != nil {
		o = *opts
	}
	number(&o.Baseline, time.Hour)
	number(&o.Recent, 5*time.Minute)
	if o.Tolerance == 0 {
		o.Tolerance = 0.5
	}
	o.Tolerance = max(o.Tolerance, 0)
	return func(ctx context.Context, t Target) Verdict {
		if read == nil {
			return unseen(name, "V7", "there is nothing that reads the unit's errors")
		}
		to := time.Now()
		from := to.Add(-o.Recent)
		if !t.Since.IsZero() && t.Since.Before(from) {
			from = t.Since
		}
		now, err := read(ctx, t, from, to)
		if err != nil {
			return unseen(name, "V7", "the unit's errors cannot be read: "+err.Error())
		}
		before, err := read(ctx, t, from.Add(-o.Baseline), from)
		if err != nil {
			return unseen(name, "V7", "the errors of the time before cannot be read: "+err.Error())
		}
		return Judge(name, compareFailures(t.Unit.ID, before, now, 1+o.Tolerance)...)
	}
}

// compareFailures judges each class of failure by its share of all requests.
func compareFailures(object string, before, now Failures, may float64) []Evidence {
	if now.Requests <= 0 {
		return []Evidence{{Check: "V7", Object: object, Want: "requests to judge", Got: "no request was seen", Result: Inconclusive}}
	}
	var out []Evidence
	for _, code := range slices.Sorted(maps.Keys(now.ByCode)) {
		n := now.ByCode[code]
		was := 0.0
		if before.Requests > 0 {
			was = float64(before.ByCode[code]) / float64(before.Requests)
		}
		is := float64(n) / float64(now.Requests)
		e := Evidence{Check: "V7", Object: object, Got: fmt.Sprintf("%s: %d of %d requests", code, n, now.Requests), Result: Pass}
		if n > 0 && is > was*may {
			e.Result, e.Want = Fail, fmt.Sprintf("at most %.2f %%, as before", 100*was*may)
		}
		out = append(out, e)
	}
	if len(out) == 0 {
		out = []Evidence{{Check: "V7", Object: object, Got: fmt.Sprintf("none of %d requests failed", now.Requests), Result: Pass}}
	}
	return out
}
