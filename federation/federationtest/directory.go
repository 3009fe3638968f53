package federationtest

import (
	"context"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// Identities makes the store in memory a federation.Directory.
func (s store) Identities(ctx context.Context, subscription string) ([]catalog.Identity, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	found := []catalog.Identity{}
	for key, r := range s.cloud.records {
		if !graph(r.identity) && strings.HasPrefix(key, "/subscriptions/"+strings.ToLower(subscription)+"/") {
			found = append(found, r.identity)
		}
	}
	slices.SortFunc(found, func(a, b catalog.Identity) int { return strings.Compare(a.ResourceID, b.ResourceID) })
	return found, nil
}

var _ federation.Directory = store{}

// suiteSubscription is where the identities of the suite are.
const suiteSubscription = "cccccccc-0000-4000-8000-00000000000c"

// directoryCases are the behaviour of a store that is a federation.Directory as well; they are left out for
// others, and for app registrations, which have no subscription.
var directoryCases = []storeCase{
	{name: "the identities of a subscription are listed with their IDs, page by page, and those of others are not", options: &CloudOptions{PageSize: 2},
		run: func(s suite) {
			d, ok := s.store.(federation.Directory)
			if !ok || s.id.Kind == catalog.Application {
				return
			}
			want := []string{s.id.ResourceID}
			for _, name := range []string{"a", "b", "c", "d"} {
				id := suiteIdentity(catalog.UserAssigned, name)
				s.cloud.Add(id, "westeurope")
				want = append(want, id.ResourceID)
			}
			elsewhere := suiteIdentity(catalog.UserAssigned, "elsewhere")
			elsewhere.ResourceID = strings.Replace(elsewhere.ResourceID, "cccccccc", "dddddddd", 1)
			s.cloud.Add(elsewhere, "westeurope")
			found, err := d.Identities(s.Context(), suiteSubscription)
			if err != nil {
				s.Fatal(err)
			}
			var got []string
			for _, id := range found {
				got = append(got, id.ResourceID)
				if id.Kind != catalog.UserAssigned || id.TenantID == "" || id.ResourceID == s.id.ResourceID && id.ClientID != s.id.ClientID {
					s.Errorf("identity %+v", id)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				s.Errorf("listed %v, want %v", got, want)
			}
		}},
	{name: "a subscription without identities lists nothing, without an error", run: func(s suite) {
		if d, ok := s.store.(federation.Directory); ok && s.id.Kind != catalog.Application {
			if found, err := d.Identities(s.Context(), "eeeeeeee-0000-4000-8000-00000000000e"); err != nil || len(found) != 0 {
				s.Errorf("listed %v, error %v", found, err)
			}
		}
	}},
}
