package federation

import (
	"slices"

	"github.com/wimigrate/wimigrate/catalog"
)

// Drift is where trust has moved away from what the fleet needs, or from what it was.
type Drift struct {
	// Plan is the plan that would mend it: its pending changes are what is missing or wrong, its findings name dead issuers, issuers that
	// are nearly right, and service accounts that nothing uses.
	Plan *Plan `json:"plan"`
	// Edits are the differences from an earlier state; empty where none was given.
	Edits []Edit `json:"edits"`
	// Unread are identities of the earlier state that were not read this time: nothing is known of them.
	Unread []string `json:"unread"`
}

// Edit is one credential that differs between two moments. Nil Before is one that was added, nil After one that was removed.
type Edit struct {
	// Identity is a key, as in State.
	Identity string      `json:"identity"`
	Before   *Credential `json:"before,omitempty"`
	After    *Credential `json:"after,omitempty"`
}

// Clean reports that nothing has drifted.
func (d *Drift) Clean() bool {
	bad := func(f catalog.Finding) bool { return f.Severity != catalog.Info }
	return d.Plan.Converged() && len(d.Edits)+len(d.Unread) == 0 && !slices.ContainsFunc(d.Plan.Findings, bad)
}

// FindDrift compares what identities trust with what the fleet needs, and with an earlier state where one is given: that which a plan left
// behind (Plan.After), or an observation that was kept. AKS's own credential of identity bindings is no drift. It is pure.
func FindDrift(cat *catalog.Catalog, have, since State, opts *PlanOptions) (*Drift, error) {
	p, err := NewPlan(cat, have, opts)
	if err != nil {
		return nil, err
	}
	since, have = lowerKeys(since), lowerKeys(have)
	d := &Drift{Plan: p, Edits: edits(since, have), Unread: []string{}}
	for _, key := range sortedKeys(since) {
		if _, ok := have[key]; !ok {
			d.Unread = append(d.Unread, key)
		}
	}
	return d, nil
}

// edits compares the identities that both states hold.
func edits(before, after State) []Edit {
	out := []Edit{}
	for _, key := range sortedKeys(before) {
		now, ok := after[key]
		if !ok {
			continue
		}
		was := before[key]
		for _, name := range names(was, now) {
			b, a := byName(was, name), byName(now, name)
			if name != IdentityBindingName && (b == nil || a == nil || *b != *a) {
				out = append(out, Edit{key, b, a})
			}
		}
	}
	return out
}

func names(lists ...[]Credential) []string {
	all := map[string]bool{}
	for _, list := range lists {
		for i := range list {
			all[list[i].Name] = true
		}
	}
	return sortedKeys(all)
}

// byName returns a copy, so that an Edit shares nothing with the state.
func byName(list []Credential, name string) *Credential {
	i := slices.IndexFunc(list, func(c Credential) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	c := list[i]
	return &c
}
