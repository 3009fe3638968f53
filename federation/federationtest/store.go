package federationtest

import (
	"context"
	"errors"
	"net/http"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// Store returns a federation.Store for all identities of the cloud, managed and applications alike.
func (c *Cloud) Store() federation.Store { return store{c} }

type store struct{ cloud *Cloud }

func (s store) List(ctx context.Context, id catalog.Identity) ([]federation.Credential, error) {
	var found []federation.Credential
	refused := s.cloud.handle(ctx, federation.OpList, id.Key(), "", graph(id), func(r *record) *refusal {
		found = s.cloud.list(r)
		return nil
	})
	return found, storeError(ctx, federation.OpList, id, "", refused)
}

func (s store) Put(ctx context.Context, id catalog.Identity, c federation.Credential) error {
	in := incoming{name: c.Name, issuer: c.Issuer, subject: c.Subject}
	if c.Audience != "" {
		in.audiences = []string{c.Audience}
	}
	refused := s.cloud.handle(ctx, federation.OpPut, id.Key(), c.Name, graph(id), func(r *record) *refusal {
		_, refused := s.cloud.put(r, in, graph(id))
		return refused
	})
	return storeError(ctx, federation.OpPut, id, c.Name, refused)
}

func (s store) Delete(ctx context.Context, id catalog.Identity, name string) error {
	refused := s.cloud.handle(ctx, federation.OpDelete, id.Key(), name, graph(id), func(r *record) *refusal {
		s.cloud.remove(r, name)
		return nil
	})
	if refused != nil && refused.status == http.StatusNotFound {
		return nil
	}
	return storeError(ctx, federation.OpDelete, id, name, refused)
}

func graph(id catalog.Identity) bool { return id.Kind == catalog.Application }

func storeError(ctx context.Context, op string, id catalog.Identity, name string, r *refusal) error {
	if r == nil {
		return nil
	}
	if r.dropped {
		if err := ctx.Err(); err != nil {
			return err
		}
		return &federation.StoreError{Op: op, Identity: id.ID(), Credential: name, Err: errors.New(r.text)}
	}
	return &federation.StoreError{Op: op, Identity: id.ID(), Credential: name, Status: r.status, Code: r.code, Message: r.text, RetryAfter: r.retryAfter}
}
