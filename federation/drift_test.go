package federation_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

func TestFindDrift(t *testing.T) {
	key := managed("id-batch").Key()
	settled := mustPlan(t, small(), nil, nil).After(nil)
	settled[key] = append(settled[key], federation.Credential{Name: federation.IdentityBindingName, Issuer: "https://ib.oic.prod-aks.azure.com/t/c", Subject: "s", Audience: "api://AKSIdentityBinding"})
	for _, tc := range []struct {
		name    string
		change  func(*catalog.Catalog, federation.State)
		pending []federation.Action
		codes   []catalog.Code
		edits   int
		unread  int
	}{
		{name: "what is as it was is clean", change: func(*catalog.Catalog, federation.State) {}},
		{name: "a credential that somebody removed is an edit, and pending", pending: []federation.Action{federation.Create}, edits: 1,
			change: func(_ *catalog.Catalog, s federation.State) { s[key] = s[key][1:] }},
		{name: "a slash that somebody cut off is an edit, a near miss, and put right", pending: []federation.Action{federation.Replace}, codes: []catalog.Code{federation.NearMissIssuer}, edits: 1,
			change: func(_ *catalog.Catalog, s federation.State) {
				s[key][0].Issuer = strings.TrimSuffix(s[key][0].Issuer, "/")
			}},
		{name: "a credential that somebody added is an edit", edits: 1,
			change: func(_ *catalog.Catalog, s federation.State) {
				s[key] = append(s[key], federation.Credential{Name: "ci", Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:o/r", Audience: "x"})
			}},
		{name: "a rebuilt cluster leaves dead issuers", pending: []federation.Action{federation.Replace, federation.Replace, federation.Replace}, codes: []catalog.Code{catalog.DeadIssuer, catalog.DeadIssuer, catalog.DeadIssuer},
			change: func(c *catalog.Catalog, _ federation.State) { c.Clusters[0].Issuer = issuer("eastus", 99) }},
		{name: "a service account that went leaves an unknown subject", codes: []catalog.Code{catalog.UnknownSubject},
			change: func(c *catalog.Catalog, _ federation.State) { c.Needs = c.Needs[:4] }},
		{name: "what AKS does to its own credential is no drift",
			change: func(_ *catalog.Catalog, s federation.State) { s[key][1].Issuer += "x" }},
		{name: "an identity that was not read is not clean", pending: []federation.Action{federation.Create}, unread: 1,
			change: func(_ *catalog.Catalog, s federation.State) { delete(s, key) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cat, have := small(), federation.State{}
			for k, list := range settled {
				have[k] = append([]federation.Credential{}, list...)
			}
			tc.change(cat, have)
			d, err := federation.FindDrift(cat, have, settled, nil)
			if err != nil {
				t.Fatal(err)
			}
			var pending []federation.Action
			for c := range d.Plan.Pending() {
				pending = append(pending, c.Action)
			}
			var codes []catalog.Code
			for _, f := range d.Plan.Findings {
				codes = append(codes, f.Code)
			}
			if diff := cmp.Diff(tc.pending, pending); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.codes, codes); diff != "" {
				t.Error(diff)
			}
			if len(d.Edits) != tc.edits || len(d.Unread) != tc.unread {
				t.Errorf("edits %v, unread %v", d.Edits, d.Unread)
			}
			if clean := len(pending)+len(codes)+tc.edits+tc.unread == 0; d.Clean() != clean {
				t.Errorf("Clean is %v, want %v", d.Clean(), clean)
			}
		})
	}
}
