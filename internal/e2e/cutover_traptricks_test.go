package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/webhook"
	"github.com/wimigrate/wimigrate/internal/pause"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// loseSlash writes the federated credential of an identity again as somebody would who copied the issuer without its last character.
func (o *operator) loseSlash(t *testing.T, id catalog.Identity) {
	t.Helper()
	have, err := o.store.List(t.Context(), id)
	if err != nil || len(have) != 1 {
		t.Fatalf("%d credentials: %v", len(have), err)
	}
	have[0].Issuer = strings.TrimSuffix(have[0].Issuer, "/")
	if err := o.store.Put(t.Context(), id, have[0]); err != nil {
		t.Fatal(err)
	}
}

// webhookDownAt lets the webhook go down for the trap's namespace once the unit has come to a state.
func (s *snare) webhookDownAt(state cutover.State) func(*cutover.Options) {
	return func(o *cutover.Options) {
		o.OnEvent = func(e cutover.Event) {
			if e.State == state && e.Type == cutover.EventState {
				s.c.Webhook.BehaveIn(s.r.Namespace, webhook.Behaviour{Down: true})
			}
		}
	}
}

// putBack plays a GitOps tool whose repository still has the old label: whenever the label is gone from the template, it applies it again.
func putBack(t *testing.T, s *snare) {
	label := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": s.r.Name, "namespace": s.r.Namespace},
		"spec":     map[string]any{"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{podidentity.Label: s.r.Name}}}}}}
	kind, err := s.c.Objects.Kind(label.GroupVersionKind(), s.r.Namespace)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var tool sync.WaitGroup
	t.Cleanup(func() { cancel(); tool.Wait() })
	tool.Go(func() {
		for ; ctx.Err() == nil; _ = pause.For(ctx, 200*time.Millisecond) {
			d, err := s.c.Client.AppsV1().Deployments(s.r.Namespace).Get(ctx, s.r.Name, metav1.GetOptions{})
			if err == nil && d.Spec.Template.Labels[podidentity.Label] == "" {
				_, err = kind.Apply(ctx, s.r.Name, label, metav1.ApplyOptions{FieldManager: "argocd-controller", Force: true})
			}
			if err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	})
}

func (s *snare) patch(t *testing.T, patch string) {
	t.Helper()
	_, err := s.c.Client.AppsV1().Deployments(s.r.Namespace).Patch(t.Context(), s.r.Name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: "somebody"})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *snare) pause(t *testing.T, paused bool) {
	s.patch(t, fmt.Sprintf(`{"spec":{"paused":%v}}`, paused))
}

// otherAccount changes what the plan rests on.
func otherAccount(t *testing.T, s *snare) {
	s.patch(t, `{"spec":{"template":{"spec":{"serviceAccountName":"default"}}}}`)
}

// makeAgain replaces the Deployment by one of the same name.
func makeAgain(t *testing.T, s *snare) {
	now := int64(0)
	if err := s.c.Client.AppsV1().Deployments(s.r.Namespace).Delete(t.Context(), s.r.Name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
		t.Fatal(err)
	}
	s.r.deploy(t)
	awaitAvailable(t, s.c, s.r.Name)
}

// changes counts the requests that changed something in the namespace, journal aside, by method and path without the namespace's name.
func (s *snare) changes(logs ...*requestLog) map[string]int {
	out := map[string]int{}
	for _, l := range logs {
		for _, r := range l.between(time.Time{}, time.Now()) {
			if r.changed() && strings.Contains(r.Path, "/namespaces/"+s.r.Namespace+"/") && !strings.HasSuffix(r.Path, "/token") {
				out[r.Method+" "+strings.ReplaceAll(r.Path, "/"+s.r.Namespace, "/NAME")]++
			}
		}
	}
	return out
}

// other is a trap as another operator sees it, who has clients of his own.
func (s *snare) other(t *testing.T, f *fleet.Fleet, name string) *snare {
	t.Helper()
	out := *s
	out.operator, out.p, out.r.Name, out.r.Namespace = newOperator(t, f), s.plans[name], name, name
	return &out
}
