package cutover_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// policed is a cluster that notes every call which a plan's RBAC manifest does not allow.
type policed struct {
	cutover.Cluster
	allowed map[string]bool

	mu     sync.Mutex
	denied []string
}

func police(t *testing.T, c cutover.Cluster, plan *cutover.Plan) *policed {
	t.Helper()
	manifest, err := plan.RBAC("aks-eastus-01", nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &policed{Cluster: c, allowed: map[string]bool{}}
	for doc := range strings.SplitSeq(string(manifest), "---\n") {
		var role struct {
			Metadata struct{ Namespace string }
			Rules    []struct{ APIGroups, Resources, Verbs []string }
		}
		if err := yaml.Unmarshal([]byte(doc), &role); err != nil {
			t.Fatal(err)
		}
		for _, r := range role.Rules {
			for _, verb := range r.Verbs {
				p.allowed[strings.Join([]string{role.Metadata.Namespace, r.APIGroups[0], r.Resources[0], verb}, " ")] = true
			}
		}
	}
	return p
}

// runner moves by the provided gates.
func (p *policed) runner(t *testing.T, f *cutovertest.Fleet) *cutover.Runner {
	t.Helper()
	r, err := cutover.NewRunner(map[string]cutover.Cluster{"aks-eastus-01": p}, cutovertest.NewJournal(), realGates(nil),
		&cutover.Options{Trust: f, Exchanger: f, Oracle: f, Patience: 6 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (p *policed) wantNothingDenied(t *testing.T) {
	t.Helper()
	for _, d := range p.denied {
		t.Error("the manifest does not allow to " + d)
	}
}

func (p *policed) ask(verb, apiVersion, kind, namespace string) {
	group, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		group = ""
	}
	kind, sub, _ := strings.Cut(strings.ToLower(kind), "/")
	resource := kind + "s"
	if stem, ok := strings.CutSuffix(resource, "ys"); ok {
		resource = stem + "ies"
	}
	if strings.HasSuffix(kind, "s") {
		resource = kind + "es"
	}
	if sub != "" {
		resource += "/" + sub
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ns := range []string{namespace, ""} {
		if p.allowed[strings.Join([]string{ns, group, resource, verb}, " ")] {
			return
		}
	}
	if d := verb + " " + resource + " in " + namespace; !slices.Contains(p.denied, d) {
		p.denied = append(p.denied, d)
	}
}

func (p *policed) Get(ctx context.Context, r cutover.Ref) (*unstructured.Unstructured, error) {
	p.ask("get", r.APIVersion, r.Kind, r.Namespace)
	return p.Cluster.Get(ctx, r)
}

func (p *policed) List(ctx context.Context, s cutover.Selection) ([]*unstructured.Unstructured, error) {
	p.ask("list", s.APIVersion, s.Kind, s.Namespace)
	return p.Cluster.List(ctx, s)
}

func (p *policed) Watch(ctx context.Context, sels []cutover.Selection, fn func(cutover.WatchEvent) bool) error {
	for _, s := range sels {
		p.ask("list", s.APIVersion, s.Kind, s.Namespace)
		p.ask("watch", s.APIVersion, s.Kind, s.Namespace)
	}
	return p.Cluster.Watch(ctx, sels, fn)
}

func (p *policed) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	switch w.Verb {
	case cutover.Apply, cutover.Patch:
		p.ask("patch", w.Ref.APIVersion, w.Ref.Kind, w.Ref.Namespace)
	case cutover.Evict:
		p.ask("create", "v1", "Pod/eviction", w.Ref.Namespace)
	default:
		p.ask(string(w.Verb), w.Ref.APIVersion, w.Ref.Kind, w.Ref.Namespace)
	}
	return p.Cluster.Write(ctx, w)
}

func TestTheRBACManifestAllowsAllThatARunAndItsRollbackDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := cutovertest.New(nil)
		c := f.AddCluster("aks-eastus-01", "eastus", 4)
		for ns, a := range map[string]cutovertest.App{
			"a": {}, "b": {Kind: "StatefulSet", OnDelete: true}, "c": {Kind: "DaemonSet"}, "d": {Kind: "CronJob"}, "e": {Kind: "Rollout"},
		} {
			a.Namespace, a.Name = ns, "web"
			c.Deploy(a)
		}
		settle(t)
		plan := planFor(t, f, nil)
		p := police(t, c, plan)
		clusters := map[string]cutover.Cluster{"aks-eastus-01": p}
		j, err := cutover.NewConfigMapJournal(clusters, "wimigrate")
		if err != nil {
			t.Fatal(err)
		}
		r, err := cutover.NewRunner(clusters, j, cutovertest.PassGates(), &cutover.Options{Patience: time.Hour, Evict: true})
		if err != nil {
			t.Fatal(err)
		}
		wantStates(t, mustRun(t, r, plan), cutover.Done)
		wantStates(t, mustRollback(t, r, plan), cutover.RolledBack)
		p.wantNothingDenied(t)
	})
}

func TestTheRBACManifestAllowsWhatTheStrategiesDo(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]*cutover.PlanOptions{
		"single rollout": once(cutover.PlanOptions{Soak: time.Hour}), "sidecar": behindProxy(cutover.PlanOptions{Soak: time.Hour}),
	} {
		bubble(t, name, func(t *testing.T) {
			f := cutovertest.New(nil)
			c := f.AddCluster("aks-eastus-01", "eastus", 4)
			c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
			breathe(c, "Deployment", "web", 3, 9)
			settle(t)
			plan := planFor(t, f, opts)
			p := police(t, c, plan)
			r := p.runner(t, f)
			wantStates(t, mustRun(t, r, plan), cutover.Done)
			wantStates(t, mustRollback(t, r, plan), cutover.RolledBack)
			p.wantNothingDenied(t)
		})
	}
}

func TestTheRBACManifestAllowsAllThatTheProvidedGatesDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := cutovertest.New(nil)
		c := f.AddCluster("aks-eastus-01", "eastus", 4)
		for _, kind := range []string{"Deployment", "StatefulSet", "DaemonSet", "CronJob", "Rollout"} {
			c.Deploy(cutovertest.App{Namespace: "shop", Name: "web-" + strings.ToLower(kind), Kind: kind, HPA: kind == "Deployment"})
		}
		breathe(c, "none", "none", 1, 1) // nodes come
		settle(t)
		plan := planFor(t, f, &cutover.PlanOptions{Soak: time.Hour, Limits: cutover.Limits{InducePods: 20}})
		p := police(t, c, plan)
		r := p.runner(t, f)
		wantStates(t, mustRun(t, r, plan), cutover.Done)
		p.wantNothingDenied(t)
	})
}
