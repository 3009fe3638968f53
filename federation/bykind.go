package federation

import (
	"context"
	"errors"
	"fmt"

	"github.com/wimigrate/wimigrate/catalog"
)

// ByKind is a Store for fleets that use managed identities and app registrations side by side: each identity goes to the store of its
// kind. A store that is nil refuses the identities of its kind, which is right for a fleet that has none.
type ByKind struct {
	UserAssigned, Application Store
}

var (
	_ Store     = ByKind{}
	_ Directory = ByKind{}
)

// List implements Store.
func (b ByKind) List(ctx context.Context, id catalog.Identity) ([]Credential, error) {
	s, err := b.of(id)
	if err != nil {
		return nil, err
	}
	return s.List(ctx, id)
}

// Put implements Store.
func (b ByKind) Put(ctx context.Context, id catalog.Identity, c Credential) error {
	s, err := b.of(id)
	if err != nil {
		return err
	}
	return s.Put(ctx, id, c)
}

// Delete implements Store.
func (b ByKind) Delete(ctx context.Context, id catalog.Identity, name string) error {
	s, err := b.of(id)
	if err != nil {
		return err
	}
	return s.Delete(ctx, id, name)
}

// Identities implements Directory, where the store of managed identities does.
func (b ByKind) Identities(ctx context.Context, subscription string) ([]catalog.Identity, error) {
	d, ok := b.UserAssigned.(Directory)
	if !ok {
		return nil, errors.New("federation: the store of managed identities cannot list them")
	}
	return d.Identities(ctx, subscription)
}

func (b ByKind) of(id catalog.Identity) (Store, error) {
	s := b.UserAssigned
	if id.Kind == catalog.Application {
		s = b.Application
	}
	if s == nil {
		return nil, fmt.Errorf("federation: no store is given for identities of kind %s, such as %s", id.Kind, id.ID())
	}
	return s, nil
}
