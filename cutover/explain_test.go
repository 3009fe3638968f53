package cutover_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/federation"
)

var web = cutover.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}

// explained is a cluster whose Deployment web was moved by hand, but for what a test breaks before and after its pods are born.
func explained(t *testing.T, sdk cutovertest.SDK, before, after func(f *cutovertest.Fleet, c *cutovertest.Cluster, client string)) (*cutover.Explanation, *cutovertest.Fleet) {
	t.Helper()
	f := cutovertest.New(nil)
	c := f.AddCluster("aks-eastus-01", "eastus", 3)
	c.Deploy(cutovertest.App{Namespace: "shop", Name: "web", SDK: sdk})
	settle(t)
	cat, _, err := f.Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := cat.Needs[0].Identity.ClientID
	c.Edit("ServiceAccount", "shop", "web", "kubectl", func(o map[string]any) {
		o["metadata"].(map[string]any)["annotations"] = map[string]any{"azure.workload.identity/client-id": client}
	})
	if before != nil {
		before(f, c, client)
	}
	time.Sleep(time.Minute)
	c.Edit("Deployment", "shop", "web", "kubectl", func(o map[string]any) { templateLabels(o)["azure.workload.identity/use"] = "true" })
	time.Sleep(5 * time.Minute)
	if after != nil {
		after(f, c, client)
	}
	x, err := cutover.Explain(t.Context(), c, web, &cutover.ExplainOptions{
		Cluster: "aks-eastus-01", Issuer: c.Issuer(), Identity: cat.Needs[0].Identity, Exchanger: f, Trust: f, Oracle: f,
	})
	if err != nil {
		t.Fatal(err)
	}
	return x, f
}

func templateLabels(o map[string]any) map[string]any {
	return o["spec"].(map[string]any)["template"].(map[string]any)["metadata"].(map[string]any)["labels"].(map[string]any)
}

func annotateWith(id any) func(*cutovertest.Fleet, *cutovertest.Cluster, string) {
	return func(_ *cutovertest.Fleet, c *cutovertest.Cluster, _ string) {
		c.Edit("ServiceAccount", "shop", "web", "kubectl", func(o map[string]any) {
			a := o["metadata"].(map[string]any)["annotations"].(map[string]any)
			delete(a, "azure.workload.identity/client-id")
			if id != nil {
				a["azure.workload.identity/client-id"] = id
			}
		})
	}
}

func TestExplainNamesTheFirstBrokenLink(t *testing.T) {
	type breakage = func(*cutovertest.Fleet, *cutovertest.Cluster, string)
	for _, tc := range []struct {
		name          string
		sdk           cutovertest.SDK
		before, after breakage
		link, fix     string
	}{
		{name: "a chain that holds has none"},
		{name: "no label", after: func(_ *cutovertest.Fleet, c *cutovertest.Cluster, _ string) {
			c.Edit("Deployment", "shop", "web", "kubectl", func(o map[string]any) { delete(templateLabels(o), "azure.workload.identity/use") })
		}, link: "label", fix: "spec.template.metadata.labels"},
		{name: "a label of another value", after: func(_ *cutovertest.Fleet, c *cutovertest.Cluster, _ string) {
			c.Edit("Deployment", "shop", "web", "kubectl", func(o map[string]any) { templateLabels(o)["azure.workload.identity/use"] = "True" })
		}, link: "label", fix: `"true"`},
		{name: "no service account", after: func(_ *cutovertest.Fleet, c *cutovertest.Cluster, _ string) {
			c.Remove("ServiceAccount", "shop", "web")
		},
			link: "service account", fix: "create service account web"},
		{name: "no annotation", before: annotateWith(nil), link: "annotation", fix: "annotate ServiceAccount/web with azure.workload.identity/client-id: "},
		{name: "the annotation of another identity", before: annotateWith("99999999-9999-4999-8999-999999999999"), link: "annotation", fix: "annotate"},
		{name: "an annotation that came after the pods", before: annotateWith(nil), after: func(f *cutovertest.Fleet, c *cutovertest.Cluster, client string) { annotateWith(client)(f, c, client) },
			link: "environment", fix: "made anew"},
		{name: "no webhook", after: func(_ *cutovertest.Fleet, c *cutovertest.Cluster, _ string) {
			c.Remove("MutatingWebhookConfiguration", "", "azure-wi-webhook-mutating-webhook-configuration")
		}, link: "webhook", fix: "--enable-workload-identity"},
		{name: "a webhook that does not answer", before: func(_ *cutovertest.Fleet, c *cutovertest.Cluster, _ string) { c.SetWebhook(cutovertest.WebhookIgnored) },
			link: "webhook", fix: "see that the webhook's pods run"},
		{name: "a webhook that was away when the pods were born", before: func(_ *cutovertest.Fleet, c *cutovertest.Cluster, _ string) { c.SetWebhook(cutovertest.WebhookIgnored) },
			after: func(_ *cutovertest.Fleet, c *cutovertest.Cluster, _ string) { c.SetWebhook(cutovertest.WebhookUp) },
			link:  "environment", fix: "made anew"},
		{name: "no federated credential", after: func(f *cutovertest.Fleet, _ *cutovertest.Cluster, client string) { f.Distrust(client) },
			link: "federated credential", fix: "subject system:serviceaccount:shop:web"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, _ := explained(t, tc.sdk, tc.before, tc.after)
				broken := x.Broken()
				switch {
				case broken == nil && tc.link != "":
					t.Fatalf("nothing is broken in %+v", x.Links)
				case broken != nil && (broken.Name != tc.link || !strings.Contains(broken.Fix, tc.fix)):
					t.Fatalf("%+v, want %s with fix %q", broken, tc.link, tc.fix)
				}
				if !strings.Contains(x.OldPath, "AzureIdentityBinding/shop-web-binding → AzureIdentity/shop-web (client ID ") {
					t.Errorf("old path %q", x.OldPath)
				}
			})
		})
	}
}

func TestExplainSeesWhatTheApplicationDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, f := explained(t, cutovertest.SDKOld, nil, nil)
		x, err := cutover.Explain(t.Context(), f.Cluster("aks-eastus-01"), web, &cutover.ExplainOptions{Cluster: "aks-eastus-01", Exchanger: f, Trust: f, Oracle: telling{f}})
		if err != nil {
			t.Fatal(err)
		}
		if b := x.Broken(); b == nil || b.Name != "application" || !strings.Contains(b.Fix, "AZURE_FEDERATED_TOKEN_FILE") {
			t.Errorf("%+v", b)
		}
	})
}

func TestExplainIsUsableOnAnyClusterWithAReaderAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, f := explained(t, "", nil, nil)
		c := f.Cluster("aks-eastus-01")
		x, err := cutover.Explain(t.Context(), c, web, nil)
		if err != nil || x.Broken() != nil {
			t.Fatalf("%+v, %v", x, err)
		}
		for _, l := range x.Links {
			if unknowable := l.Name == "federated credential" || l.Name == "exchange" || l.Name == "application"; unknowable != (l.Result == cutover.Inconclusive) {
				t.Errorf("%+v", l)
			}
		}
		byPod, err := cutover.Explain(t.Context(), c, x.Pod, nil)
		if err != nil || byPod.Broken() != nil || byPod.Pod != x.Pod {
			t.Errorf("by pod: %+v, %v", byPod, err)
		}
		for _, missing := range []cutover.Ref{{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: "none"}, {APIVersion: "example.com/v1", Kind: "Widget", Namespace: "shop", Name: "w"}} {
			if _, err := cutover.Explain(t.Context(), c, missing, nil); err == nil {
				t.Errorf("no error for %s", missing)
			}
		}
	})
}

func TestExplainCallsWhatCannotBeReadUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, f := explained(t, "", nil, nil)
		x, err := cutover.Explain(t.Context(), f.Cluster("aks-eastus-01"), web, &cutover.ExplainOptions{Identity: catalog.Identity{}, Trust: blind{}})
		if err != nil || x.Broken() != nil {
			t.Errorf("%+v, %v", x, err)
		}
	})
}

// blind is a Trust that cannot be read.
type blind struct{ cutover.Trust }

func (blind) List(context.Context, catalog.Identity) ([]federation.Credential, error) {
	return nil, errors.New("403")
}
