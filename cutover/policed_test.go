package cutover_test

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
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
	// reviewed is what preflight has asked for by access reviews, and what the manifest said to it.
	reviewed map[string]bool
}

func police(t *testing.T, c cutover.Cluster, plan *cutover.Plan) *policed {
	t.Helper()
	manifest, err := plan.RBAC("aks-eastus-01", nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &policed{Cluster: c, allowed: map[string]bool{}, reviewed: map[string]bool{}}
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

// runner moves by the provided gates, with its journal in the cluster.
func (p *policed) runner(t *testing.T, f *cutovertest.Fleet, opts *cutover.Options) *cutover.Runner {
	t.Helper()
	clusters := map[string]cutover.Cluster{"aks-eastus-01": p}
	j, err := cutover.NewConfigMapJournal(clusters, "wimigrate")
	if err != nil {
		t.Fatal(err)
	}
	o := cutover.Options{Patience: 6 * time.Hour}
	if opts != nil {
		o = *opts
	}
	o.Trust, o.Exchanger, o.Oracle = f, f, f
	r, err := cutover.NewRunner(clusters, j, realGates(nil), &o)
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

// wantTheSameReviewed judges that preflight has asked for what the manifest grants, all of it and nothing else.
func (p *policed) wantTheSameReviewed(t *testing.T) {
	t.Helper()
	if diff := gocmp.Diff(slices.Sorted(maps.Keys(p.allowed)), slices.Sorted(maps.Keys(p.reviewed))); diff != "" {
		t.Errorf("the manifest grants (-) and PF01 asks for (+):\n%s", diff)
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
	if p.allows(namespace, group, resource, verb) {
		return
	}
	if d := verb + " " + resource + " in " + cmp.Or(namespace, "every namespace"); !slices.Contains(p.denied, d) {
		p.denied = append(p.denied, d)
	}
}

// allows is what RBAC says: what is granted in the whole cluster is granted in each namespace. The caller holds the lock.
func (p *policed) allows(namespace, group, resource, verb string) bool {
	return p.allowed[strings.Join([]string{namespace, group, resource, verb}, " ")] || p.allowed[strings.Join([]string{"", group, resource, verb}, " ")]
}

// review answers an access review by the manifest.
func (p *policed) review(w cutover.Write) (*unstructured.Unstructured, error) {
	var o struct {
		Spec struct {
			ResourceAttributes struct{ Verb, Group, Resource, Subresource, Namespace string }
		}
	}
	if err := json.Unmarshal(w.Body, &o); err != nil {
		return nil, err
	}
	a := o.Spec.ResourceAttributes
	if a.Subresource != "" {
		a.Resource += "/" + a.Subresource
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reviewed[strings.Join([]string{a.Namespace, a.Group, a.Resource, a.Verb}, " ")] = true
	allowed := p.allows(a.Namespace, a.Group, a.Resource, a.Verb)
	return &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"allowed": allowed}}}, nil
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

func (p *policed) DryRun(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	if w.Ref.Kind == "SelfSubjectAccessReview" { // everybody may ask about themselves
		return p.review(w)
	}
	p.askWrite(w)
	return p.Cluster.DryRun(ctx, w)
}

func (p *policed) Token(ctx context.Context, r cutover.TokenRequest) (string, error) {
	p.ask("create", "v1", "ServiceAccount/token", r.Namespace)
	return p.Cluster.Token(ctx, r)
}

func (p *policed) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	p.askWrite(w)
	return p.Cluster.Write(ctx, w)
}

// askWrite asks what the API server asks: for a patch of the subresource that it is made of, and for an apply that may create for both.
func (p *policed) askWrite(w cutover.Write) {
	kind := w.Ref.Kind
	if w.Subresource != "" {
		kind += "/" + w.Subresource
	}
	switch w.Verb {
	case cutover.Apply:
		p.ask("patch", w.Ref.APIVersion, kind, w.Ref.Namespace)
		if w.Ref.UID == "" {
			p.ask("create", w.Ref.APIVersion, kind, w.Ref.Namespace)
		}
	case cutover.Evict:
		p.ask("create", "v1", "Pod/eviction", w.Ref.Namespace)
	default:
		p.ask(string(w.Verb), w.Ref.APIVersion, kind, w.Ref.Namespace)
	}
}
