package federation

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/wimigrate/wimigrate/catalog"
)

// Directory lists managed identities. The store of package armfic is one, and so is ByKind around it.
type Directory interface {
	// Identities returns the user-assigned managed identities of a subscription, in any order, with resource, client and tenant ID. What the
	// service refuses is a [*StoreError].
	Identities(ctx context.Context, subscription string) ([]catalog.Identity, error)
}

// ResolveOptions are the choices of Resolve.
type ResolveOptions struct {
	Pacing
	// Subscriptions are looked into besides those that the catalog's clusters and identities name.
	Subscriptions []string
}

// Resolve returns the catalog with the resource IDs of managed identities that a cluster knows by client ID alone. That is all that a
// service account's annotation says, so it is all that is left in a cluster whose workloads have moved and whose AzureIdentities are
// gone; and ARM is asked by resource ID. The catalog that is given is not changed; nothing is asked where nothing is missing. Sources that
// read ARM (package catalog/aks) make this step needless.
//
// What no subscription holds, such as the client ID of an app registration, stays as it is. Resolve goes on where one subscription fails:
// the error joins an *IdentityError for each, and the catalog holds what the others gave.
func Resolve(ctx context.Context, d Directory, cat *catalog.Catalog, opts *ResolveOptions) (*catalog.Catalog, error) {
	if d == nil || cat == nil {
		return nil, errors.New("federation: Resolve needs a directory and a catalog")
	}
	var o ResolveOptions
	if opts != nil {
		o = *opts
	}
	out := *cat
	if !slices.ContainsFunc(cat.Needs, func(n catalog.Need) bool { return unaddressed(n.Identity) }) {
		return &out, nil
	}
	found, err := listAll(ctx, newAccess(nil, o.Pacing), d, subscriptionsOf(cat, o.Subscriptions))
	byClient := map[string]catalog.Identity{}
	for _, id := range found {
		byClient[strings.ToLower(id.ClientID)] = id
	}
	out.Needs = slices.Clone(cat.Needs)
	for i := range out.Needs {
		id := &out.Needs[i].Identity
		if known, ok := byClient[strings.ToLower(id.ClientID)]; ok && unaddressed(*id) {
			id.ResourceID = known.ResourceID
			if id.TenantID == "" {
				id.TenantID = known.TenantID
			}
		}
	}
	return &out, err
}

// unaddressed reports whether a managed identity is known by its client ID alone.
func unaddressed(id catalog.Identity) bool {
	return id.Kind != catalog.Application && id.ResourceID == "" && id.ClientID != ""
}

// subscriptionsOf are the subscriptions that a catalog names, and others, sorted.
func subscriptionsOf(cat *catalog.Catalog, others []string) []string {
	seen := map[string]bool{}
	add := func(resourceID string) {
		if rest, ok := strings.CutPrefix(strings.ToLower(resourceID), "/subscriptions/"); ok {
			sub, _, _ := strings.Cut(rest, "/")
			seen[sub] = sub != ""
		}
	}
	for _, c := range cat.Clusters {
		add(c.ResourceID)
	}
	for _, n := range cat.Needs {
		add(n.Identity.ResourceID)
	}
	for _, s := range others {
		add("/subscriptions/" + s)
	}
	delete(seen, "")
	var out []string
	for s, ok := range seen {
		if ok {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// listAll lists the identities of some subscriptions, in their order, at the store's pace and with its patience.
func listAll(ctx context.Context, a *access, d Directory, subscriptions []string) ([]catalog.Identity, error) {
	found := make([][]catalog.Identity, len(subscriptions))
	errs := make([]error, len(subscriptions))
	var workers errgroup.Group
	workers.SetLimit(a.identities)
	for i, sub := range subscriptions {
		workers.Go(func() error {
			at := catalog.Identity{Kind: catalog.UserAssigned, ResourceID: "/subscriptions/" + sub}
			_, err := a.repeat(ctx, OpList, at, func(attempt) {}, func() error {
				var err error
				found[i], err = d.Identities(ctx, sub)
				return err
			})
			if err != nil {
				errs[i] = &IdentityError{Identity: at.ResourceID, Err: err}
			}
			return nil
		})
	}
	_ = workers.Wait() // the workers keep their errors apart
	return slices.Concat(found...), errors.Join(errs...)
}
