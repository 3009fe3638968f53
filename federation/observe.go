package federation

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/wimigrate/wimigrate/catalog"
)

// ObserveOptions are the choices of Observe.
type ObserveOptions struct {
	Pacing
	// Topology and Scope are those of the plan to come: the identities that it assigns are read too, as far as they exist.
	Topology Topology
	Scope    string
	// Identities are read besides those of the catalog, such as ones that only old credentials name.
	Identities []catalog.Identity
}

// Observe reads what the identities of a catalog trust today. It goes on where one identity fails: the state holds all that were read,
// and the error joins an *IdentityError for each of the others. An identity that does not exist is absent from the state; it is an error
// only if a need uses it today. An identity that is known by client ID alone cannot be asked for: [Resolve] the catalog first.
func Observe(ctx context.Context, s Store, cat *catalog.Catalog, opts *ObserveOptions) (State, error) {
	if s == nil || cat == nil {
		return nil, errors.New("federation: Observe needs a store and a catalog")
	}
	var o ObserveOptions
	if opts != nil {
		o = *opts
	}
	today := KeepIdentities().Identities(cat, "")
	all := slices.Concat(today, o.Topology.Identities(cat, o.Scope), o.Identities)
	inUse := map[string]bool{}
	for _, id := range today {
		inUse[id.Key()] = true
	}
	return observe(ctx, newAccess(s, o.Pacing), groupIdentities(all), inUse)
}

// groupIdentities returns the distinct identities, sorted by key.
func groupIdentities(ids []catalog.Identity) []*group {
	g := newGrouper(len(ids), func(i int) *catalog.Identity { return &ids[i] }, len(ids))
	for _, id := range ids {
		if id.ID() != "" {
			g.of(id)
		}
	}
	return g.sorted()
}

func observe(ctx context.Context, a *access, groups []*group, inUse map[string]bool) (State, error) {
	found := make([][]Credential, len(groups))
	errs := make([]error, len(groups))
	var workers errgroup.Group
	workers.SetLimit(a.identities)
	for i, g := range groups {
		workers.Go(func() error {
			found[i], errs[i] = a.list(ctx, g.identity, ErrParentNotFound, func(attempt) {})
			return nil
		})
	}
	_ = workers.Wait() // the workers keep their errors apart
	state := State{}
	var failed []error
	for i, g := range groups {
		switch {
		case errs[i] == nil:
			state[g.key] = sortedCredentials(found[i])
		case errors.Is(errs[i], ErrParentNotFound) && !inUse[g.key]: // proposed, not there yet
		default:
			failed = append(failed, &IdentityError{Identity: g.identity.ID(), Err: errs[i]})
		}
	}
	return state, errors.Join(failed...)
}

// list reads the credentials of an identity; an error that is final ends the attempts at once.
func (a *access) list(ctx context.Context, id catalog.Identity, final error, notify func(attempt)) ([]Credential, error) {
	found := []Credential{}
	var stop error
	_, err := a.repeat(ctx, OpList, id, notify, func() error {
		var err error
		if found, err = a.store.List(ctx, id); err != nil && final != nil && errors.Is(err, final) {
			stop = err
			return nil
		}
		return err
	})
	if err == nil {
		err = stop
	}
	return found, err
}
