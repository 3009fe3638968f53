package federation

import (
	"fmt"
	"slices"
	"strings"
)

// fresh checks that the identity is as the plan found it, but for what this plan itself may have done already: those changes are undone
// in a copy, and the rest must be the same to the byte.
func fresh(j *job, current []Credential) error {
	before := slices.Clone(current)
	for i := range j.outcomes {
		o := &j.outcomes[i]
		at := slices.IndexFunc(before, func(c Credential) bool { return c.Name == o.Credential.Name })
		switch {
		case o.Action == Create && at >= 0 && before[at] == o.Credential:
			before = slices.Delete(before, at, at+1)
		case o.Action == Replace && o.Before != nil && at >= 0 && before[at] == o.Credential:
			before[at] = *o.Before
		case o.Action == Delete && o.Before != nil && at < 0:
			before = append(before, *o.Before)
		}
	}
	if credentialsDigest(sortedCredentials(before)) != j.plan.State {
		return fmt.Errorf("%w (it had %d credentials, it has %d)", ErrStale, j.plan.Have, len(current))
	}
	return nil
}

// done reports whether the change is in force in a listing.
func done(c *Change, current []Credential) bool {
	at := slices.IndexFunc(current, func(x Credential) bool { return strings.EqualFold(x.Name, c.Credential.Name) })
	if c.Action == Delete {
		return at < 0
	}
	return at >= 0 && current[at] == c.Credential
}
