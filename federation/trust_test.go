package federation_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/federation"
)

func TestTrustIsAMatrixReadBothWays(t *testing.T) {
	cat := small()
	have := mustPlan(t, cat, federation.State{}, nil).After(federation.State{})
	app := application("99999999-0000-0000-0000-000000000009").Key()
	have[app] = append(have[app], federation.Credential{Name: "ci", Issuer: "https://token.actions.githubusercontent.com", Subject: "repo:o/r", Audience: "x"})
	trust := federation.TrustOf(cat, have)
	if diff := cmp.Diff([]string{"aks-eastus", "aks-westeurope"}, trust.Clusters(app)); diff != "" {
		t.Error(diff)
	}
	want := []string{managed("id-batch").Key(), managed("id-payments-eastus").Key(), app}
	if diff := cmp.Diff(want, trust.Identities("aks-eastus")); diff != "" {
		t.Error(diff)
	}
	if trust.Elsewhere[app] != 1 {
		t.Errorf("trust in others is counted: %v", trust.Elsewhere)
	}
	blast := trust.Blast()
	if blast.MaxIdentities != 3 || blast.MaxForeign != 1 || blast.MaxOtherRegion != 1 || len(blast.Clusters) != 2 {
		t.Errorf("blast radius: %+v", blast)
	}
	err := trust.AssertRegional()
	isolation, ok := errors.AsType[*federation.IsolationError](err)
	if !ok || isolation.Identity != app || len(isolation.Regions) != 2 {
		t.Errorf("regional isolation: %v", err)
	}
}

func TestTrustOfOneIdentityPerRegionIsRegional(t *testing.T) {
	cat := twoRegions(5)
	p := mustPlan(t, cat, nil, nil)
	if err := federation.TrustOf(cat, p.After(nil)).AssertRegional(); err != nil {
		t.Error(err)
	}
}

func TestTrustDiffNamesWhatChangedBetweenTwoMoments(t *testing.T) {
	cat := small()
	before := mustPlan(t, cat, nil, nil).After(nil)
	later := small()
	later.Needs = append(later.Needs[:1:1], later.Needs[2:]...)
	after := mustPlan(t, later, nil, nil).After(nil)
	d := federation.TrustOf(cat, after).Diff(federation.TrustOf(cat, before))
	if len(d.Added) != 0 || len(d.Removed) != 1 || d.Removed[0].Cluster != "aks-westeurope" || d.Removed[0].Namespace != "payments" {
		t.Errorf("diff: %+v", d)
	}
	back := federation.TrustOf(cat, before).Diff(federation.TrustOf(cat, after))
	if diff := cmp.Diff(d.Removed, back.Added); diff != "" {
		t.Error(diff)
	}
}

func TestTrustViewsHoldNothingThatMovesTheCursor(t *testing.T) {
	cat := small()
	cat.Clusters[0].Name = "evil\x1b[2J|\u202e"
	for i := range cat.Needs {
		if cat.Needs[i].Cluster == "aks-eastus" {
			cat.Needs[i].Cluster = cat.Clusters[0].Name
		}
	}
	trust := federation.TrustOf(cat, mustPlan(t, cat, nil, nil).After(nil))
	var text strings.Builder
	if err := errors.Join(trust.Text(&text), trust.Markdown(&text)); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(text.String(), "\x1b\u202e") {
		t.Errorf("control characters in %q", text.String())
	}
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "| id") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 4 {
			t.Errorf("a cell broke out of its row: %s", line)
		}
	}
}
