package cutover

import (
	"context"
	"sync"
)

// StillSilent returns a gate like [OldPathSilent] that does not wait: it compares NMI's counters with those of its last look at the same
// unit of the same plan, so that looks in a row leave no instant out. The first look is inconclusive: there is nothing yet to compare
// with. It is safe for concurrent use, and remembers one reading for each unit.
func StillSilent() Gate {
	const name = "old path still silent"
	var mu sync.Mutex
	looks := map[string]*loadQuiet{}
	return func(ctx context.Context, t Target) Verdict {
		key := t.Plan.Digest + " " + t.Unit.ID
		mu.Lock()
		q := looks[key]
		if q == nil {
			q = &loadQuiet{}
			looks[key] = q
		}
		mu.Unlock()
		// Looks at one unit do not overlap. Each is judged by itself: what was unclear once is not unclear for ever.
		q.failing, q.gap, q.reads = nil, "", 0
		q.read(ctx, t)
		return Judge(name, q.evidence(t.Unit.Namespace)...)
	}
}

// StillInjected returns a gate that looks at every pod of the target's workloads that lives now (V1), and exchanges a token of each
// service account (V3). With a webhook whose failurePolicy is Ignore a pod can be born without its environment at any time, so this
// belongs into a soak. A workload without pods at the moment has nothing to be judged; what never ran is for [Load] to say.
func StillInjected() Gate {
	const name = "still injected"
	return func(ctx context.Context, t Target) Verdict {
		var evidence []Evidence
		for _, a := range t.Unit.Accounts {
			evidence = append(evidence, exchange(ctx, t, a, Ref{}))
		}
		for _, w := range t.Workloads {
			account, ok := t.Unit.account(w.ServiceAccount)
			found, err := podsOf(ctx, t, w)
			if err != nil || !ok {
				evidence = append(evidence, Evidence{Check: "V1", Object: w.String(), Want: "its pods", Got: "they cannot be read", Result: Inconclusive})
				continue
			}
			for _, p := range found.current {
				evidence = append(evidence, Injected(p, t.injection(account))...)
			}
		}
		return Judge(name, evidence...)
	}
}
