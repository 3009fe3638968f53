package cutover

import (
	"context"
	"fmt"
	"strings"

	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// checkAccounts: each service account exists, is not "default", and carries no other client ID (PF05).
func checkAccounts(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	var out []Evidence
	for _, a := range t.Unit.Accounts {
		live, err := get(ctx, t.Cluster, a.Ref)
		switch {
		case err != nil:
			out = append(out, unclear(a.Ref.String(), "cannot be read: "+err.Error()))
			continue
		case live == nil:
			out = append(out, failing(a.Ref.String(), "does not exist; the webhook refuses pods of a missing service account", "create it"))
			continue
		}
		now, there := live.GetAnnotations()[workloadid.ClientIDAnnotation]
		tenant, foreign := live.GetAnnotations()[workloadid.TenantIDAnnotation]
		switch {
		case foreign && a.Identity.TenantID == "":
			out = append(out, unclear(a.Ref.String(), "is annotated with tenant ID "+tenant+", and the tenant of its identity is unknown"))
		case foreign && !strings.EqualFold(tenant, a.Identity.TenantID):
			out = append(out, failing(a.Ref.String(), "is annotated with tenant ID "+tenant, "none, or "+a.Identity.TenantID))
		case there && !strings.EqualFold(now, a.Identity.ClientID):
			out = append(out, failing(a.Ref.String(), "is annotated with client ID "+now, "none, or "+a.Identity.ClientID))
		case a.Ref.Name == "default":
			out = append(out, passed(a.Ref.String(), "warning: the annotation reaches every pod of the namespace that names no service account"))
		default:
			out = append(out, passed(a.Ref.String(), "free for the annotation"))
		}
	}
	return out
}

// checkOneIdentity: a service account carries one client ID (PF06).
func checkOneIdentity(_ context.Context, t Target, _ PreflightOptions) []Evidence {
	var out []Evidence
	seen := map[string]Account{}
	for _, a := range t.Unit.Accounts {
		if b, twice := seen[a.Ref.Name]; twice && b.Identity.Key() != a.Identity.Key() {
			out = append(out, failing(a.Ref.String(), fmt.Sprintf("leads to %s and to %s", b.Identity.ID(), a.Identity.ID()), "one identity; split the service account"))
		}
		if a.Identity.ClientID == "" {
			out = append(out, failing(a.Ref.String(), "the client ID of its identity is unknown", "a client ID"))
		}
		seen[a.Ref.Name] = a
	}
	return out
}

// checkRoom: no identity of the unit holds more credentials than Azure takes (PF10).
func checkRoom(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	if t.Trust == nil {
		return []Evidence{unclear("", "what the identities trust is unknown: the runner has no Trust")}
	}
	var out []Evidence
	for _, a := range t.Unit.Accounts {
		have, err := t.Trust.List(ctx, a.Identity)
		switch {
		case err != nil:
			out = append(out, unclear(a.Identity.ID(), "what it trusts is unknown: "+err.Error()))
		case len(have) > federation.MaxCredentials:
			out = append(out, failing(a.Identity.ID(), fmt.Sprintf("holds %d federated credentials", len(have)), fmt.Sprintf("at most %d", federation.MaxCredentials)))
		default:
			out = append(out, passed(a.Identity.ID(), fmt.Sprintf("holds %d of %d federated credentials", len(have), federation.MaxCredentials)))
		}
	}
	return out
}
