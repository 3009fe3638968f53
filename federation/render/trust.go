package render

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// Trust is one credential that files grant or a plan wants.
type Trust struct {
	// Cluster is the one whose issuer it is; empty where nothing tells.
	Cluster string `json:"cluster"`
	// Identity is a resource ID, its fixed parts in the letter case that Terraform's providers insist on, or the client ID of an
	// application.
	Identity   string                `json:"identity"`
	Credential federation.Credential `json:"credential"`
}

// Wanted returns the trust that a plan leads to, sorted: what rendering the plan and reading the files back gives again, as long as
// nothing was left out.
func Wanted(p *federation.Plan) []Trust {
	var out []Trust
	for _, c := range p.Changes {
		if wanted(c) {
			out = append(out, Trust{Cluster: c.Cluster, Identity: canonical(c.Identity), Credential: c.Credential})
		}
	}
	sortTrust(out)
	return slices.Compact(out)
}

// canonical writes the fixed parts of an identity's resource ID in their documented letter case: Pod Identity and ARM do not care for
// it, azurerm does.
func canonical(id string) string {
	if m := identityID.FindStringSubmatch(id); m != nil {
		return "/subscriptions/" + m[1] + "/resourceGroups/" + m[2] + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + m[3]
	}
	return id
}

// wanted leaves out what the plan deletes and what it merely found.
func wanted(c federation.Change) bool { return c.Action != federation.Delete && c.Cluster != "" }

func sortTrust(t []Trust) {
	slices.SortFunc(t, func(a, b Trust) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Identity, b.Identity), cmp.Compare(a.Credential.Name, b.Credential.Name),
			cmp.Compare(a.Credential.Issuer, b.Credential.Issuer), cmp.Compare(a.Credential.Subject, b.Credential.Subject))
	})
}

// entry is one credential to render, with what is known around it.
type entry struct {
	cluster  catalog.Cluster
	identity catalog.Identity
	cred     federation.Credential
	exists   bool   // under this name, today
	blocked  string // why it must not be applied
}

// collect returns the entries of a plan, sorted by cluster, identity and name.
func collect(p *federation.Plan, cat *catalog.Catalog) ([]entry, error) {
	if p == nil || cat == nil {
		return nil, errors.New("render: a plan and a catalog are required")
	}
	clusters := make(map[string]catalog.Cluster, len(cat.Clusters))
	for _, c := range cat.Clusters {
		clusters[c.Name] = c
	}
	identities := make(map[string]federation.IdentityPlan, len(p.Identities))
	for _, id := range p.Identities {
		identities[id.ID] = id
	}
	var out []entry
	var text checker
	for _, c := range p.Changes {
		if !wanted(c) {
			continue
		}
		e := entry{cluster: clusters[c.Cluster], cred: c.Credential, exists: c.Action != federation.Create}
		e.cluster.Name = c.Cluster
		id, ok := identities[c.Identity]
		if !ok {
			id.Identity = identityOf(c.Identity)
		}
		e.identity, e.blocked = id.Identity, id.Blocked
		e.identity.ResourceID = canonical(e.identity.ResourceID)
		text.check(e.cluster.Name, e.cluster.ResourceID, e.identity.ID(), e.identity.ClientID, e.identity.TenantID,
			e.cred.Name, e.cred.Issuer, e.cred.Subject, e.cred.Audience)
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.cluster.Name, b.cluster.Name), cmp.Compare(a.identity.Key(), b.identity.Key()),
			cmp.Compare(a.identity.ID(), b.identity.ID()), cmp.Compare(a.cred.Name, b.cred.Name), cmp.Compare(a.cred.Subject, b.cred.Subject))
	})
	return slices.CompactFunc(out, sameEntry), text.err()
}

// identityOf reads an identity as plans write it.
func identityOf(id string) catalog.Identity {
	if strings.HasPrefix(id, "/") {
		return catalog.Identity{Kind: catalog.UserAssigned, ResourceID: id}
	}
	return catalog.Identity{Kind: catalog.Application, ClientID: id}
}

// checker collects text that is not printable.
type checker struct{ bad map[string]bool }

func (c *checker) check(values ...string) {
	for _, v := range values {
		// HCL stores text in Unicode's normal form C: any other would come out as different bytes.
		if !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool { return !unicode.IsPrint(r) }) || cty.NormalizeString(v) != v {
			if c.bad == nil {
				c.bad = map[string]bool{}
			}
			c.bad[v] = true
		}
	}
}

func (c *checker) err() error {
	if len(c.bad) == 0 {
		return nil
	}
	return &TextError{Values: slices.Sorted(maps.Keys(c.bad))}
}

// sameEntry: two needs may want one and the same credential.
func sameEntry(a, b entry) bool {
	return a.cluster.Name == b.cluster.Name && a.identity.ID() == b.identity.ID() && a.cred == b.cred
}
