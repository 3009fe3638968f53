package e2e_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/e2e/fault"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

const (
	deploymentsPath = "/apis/apps/v1/deployments"
	bindingsPath    = "/azureidentitybindings"
)

// catalogFault is a fault while a live cluster is read.
type catalogFault struct {
	name  string
	pages int64 // of so many objects
	limit time.Duration
	rule  fault.Rule
	rules []fault.Rule // before it
	// storm: gaps may come or not.
	storm bool
	// gap is a part of the gap that must be there; empty: the catalog must equal the undisturbed one.
	gap string
}

func catalogFaults() []catalogFault {
	deployments := func(n int, x fault.Fault) fault.Rule { return fault.Rule{Path: deploymentsPath, Times: n, Fault: x} }
	bindings := func(n int, x fault.Fault) fault.Rule { return fault.Rule{Path: bindingsPath, Times: n, Fault: x} }
	return []catalogFault{
		{name: "a continue token expires", pages: 2, rule: deployments(1, fault.Fault{ExpireWatch: true})},
		{name: "continue tokens always expire", pages: 2, rule: deployments(0, fault.Fault{ExpireWatch: true}), gap: "deployments.apps: HTTP 410"},
		{name: "every continue token expires once in a while", pages: 3, rule: fault.Rule{Query: "continue=", Share: 0.1, Times: 3, Fault: fault.Fault{ExpireWatch: true}}},
		{name: "protobuf is cut short once", rule: deployments(1, fault.Fault{Truncate: 300})},
		{name: "protobuf is always cut short", rule: deployments(0, fault.Fault{Truncate: 300}), gap: "deployments.apps: "},
		{name: "the second page is cut short", pages: 2,
			rule: fault.Rule{Path: deploymentsPath, Query: "continue=", Times: 1, Fault: fault.Fault{Truncate: 300}}},
		{name: "JSON is cut short once", rule: bindings(1, fault.Fault{Truncate: 300})},
		{name: "JSON is always cut short", rule: bindings(0, fault.Fault{Truncate: 300}), gap: "azureidentitybindings.aadpodidentity.k8s.io: "},
		{name: "429 says when to come again", rule: deployments(1, fault.Fault{Status: http.StatusTooManyRequests, RetryAfter: "1"})},
		{name: "503 passes", rule: deployments(2, fault.Fault{Status: http.StatusServiceUnavailable})},
		{name: "503 stays", rule: deployments(0, fault.Fault{Status: http.StatusServiceUnavailable}), gap: "deployments.apps: HTTP 503"},
		{name: "a reset before the answer", rule: bindings(2, fault.Fault{ResetBefore: true})},
		{name: "a reset in place of the answer", rule: bindings(2, fault.Fault{ResetAfter: true})},
		{name: "resets without end", rule: bindings(0, fault.Fault{ResetAfter: true}), gap: "azureidentitybindings.aadpodidentity.k8s.io: "},
		{name: "403 for one kind", rule: bindings(0, fault.Fault{Status: http.StatusForbidden}), gap: "azureidentitybindings.aadpodidentity.k8s.io: forbidden"},
		{name: "401 for one kind", rule: deployments(0, fault.Fault{Status: http.StatusUnauthorized}), gap: "deployments.apps: unauthorized"},
		{name: "401 for everything", rule: fault.Rule{Fault: fault.Fault{Status: http.StatusUnauthorized}}, gap: "cluster: "},
		{name: "a body that does not come to its end in time", limit: 10 * time.Second,
			rule: deployments(0, fault.Fault{Slow: 10 * time.Millisecond}), gap: "deployments.apps: timed out"},
		{name: "what is served is cut short", rule: fault.Rule{Path: "/apis", Fault: fault.Fault{Truncate: 100}}, gap: "cluster: "},
		{name: "what is served is not told once", rule: fault.Rule{Path: "/apis", Times: 1, Fault: fault.Fault{Status: http.StatusServiceUnavailable}}},
		{name: "the issuer is not told",
			rule: fault.Rule{Path: "/.well-known/", Fault: fault.Fault{Status: http.StatusForbidden}}, gap: "/.well-known/openid-configuration: forbidden"},
	}
}

// catalogUnderFaults reads the live cluster while each fault happens: what comes is the undisturbed catalog, or one that says what it lacks.
func catalogUnderFaults(t *testing.T, f *fleet.Fleet) {
	var calm *catalog.Catalog
	fleet.Await(t, "the cluster to be still", func() (bool, error) {
		before, err := liveCatalog(t, f.Clusters[0].REST(), catalogFault{})
		if err != nil {
			return false, err
		}
		calm, err = liveCatalog(t, f.Clusters[0].REST(), catalogFault{})
		return cmp.Equal(asJSON(t, before), asJSON(t, calm)), err
	})
	if len(calm.Needs) < 10 || !calm.Complete() {
		t.Fatalf("%d needs, gaps %v", len(calm.Needs), gaps(calm))
	}
	all := catalogFaults()
	for seed := range 4 {
		all = append(all, catalogFault{name: fmt.Sprintf("a storm, %d", seed), pages: int64(3 * (seed % 2)), storm: true, rules: storm(seed)})
	}
	together(t, all, func(c catalogFault) string { return c.name }, func(t *testing.T, _ int, c catalogFault) {
		cfg, i := faulty(t, f, append(c.rules, c.rule)...)
		cat, err := liveCatalog(t, cfg, c)
		struck(t, i, 0)
		honest(t, calm, cat, err)
		got := gaps(cat)
		if missing := c.gap != "" && !strings.Contains(strings.Join(got, "\n"), c.gap); missing || c.gap == "" && len(got) > 0 && !c.storm {
			t.Errorf("gaps %q, want %q: %v", got, c.gap, err)
		}
	})
}

// storm lets everything happen now and then.
func storm(seed int) []fault.Rule {
	var rules []fault.Rule
	for n, x := range []fault.Fault{{Status: http.StatusServiceUnavailable}, {ResetBefore: true}, {ResetAfter: true}, {Truncate: 200}, {ExpireWatch: true}} {
		rules = append(rules, fault.Rule{Skip: seed + n, Share: 0.07, Fault: x})
	}
	return rules
}

func liveCatalog(t *testing.T, cfg *rest.Config, c catalogFault) (*catalog.Catalog, error) {
	t.Helper()
	return catalog.Scan(t.Context(), []catalog.Source{catalog.Live("aks-eastus-01", cfg, &catalog.LiveOptions{
		Cluster: catalog.Cluster{Region: "eastus"}, PageSize: c.pages, Timeout: c.limit, QPS: 500, Burst: 1000})}, nil)
}

// honest judges that a catalog is the undisturbed one, or says that it may not be.
func honest(t *testing.T, calm, cat *catalog.Catalog, err error) {
	t.Helper()
	switch {
	case !cat.Complete() && len(gaps(cat)) == 0:
		t.Error("the catalog is not complete, and does not say why")
	case !cat.Complete():
	case err != nil:
		t.Errorf("the catalog is complete, beside an error: %v", err)
	default:
		if diff := cmp.Diff(asJSON(t, calm), asJSON(t, cat)); diff != "" {
			t.Errorf("the catalog is complete, and not (+) the undisturbed one (-):\n%s", diff)
		}
	}
}

func gaps(cat *catalog.Catalog) []string {
	var out []string
	for _, c := range cat.Clusters {
		for _, g := range c.Coverage.Gaps {
			out = append(out, g.Resource+": "+g.Reason)
		}
	}
	slices.Sort(out)
	return out
}
