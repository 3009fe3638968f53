package e2e_test

import (
	"bytes"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/webhook"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// broken is one way in which a chain from a pod to its token can be broken, in a namespace of its name, and what Explain says of it.
type broken struct {
	name, link, got, fix string
	// manifests changes the application's manifests; before and after act before its pods are born and after.
	manifests     func(yaml string) string
	before, after func(t *testing.T, s *explained)
}

// explained is an application that is explained.
type explained struct {
	*operator
	c   *fleet.Cluster
	app app.App
}

func brokenChains() []broken {
	drop := func(what string) func(string) string {
		return func(yaml string) string { return strings.ReplaceAll(yaml, what, "") }
	}
	return []broken{
		{name: "healthy"},
		{name: "nolabel", link: "label", got: "is not on the pod template", fix: "put the label azure.workload.identity/use", manifests: drop(", " + workloadid.UseLabel + `: "true"`)},
		{name: "toolate", link: "label", got: "born before it", fix: "rollout restart", manifests: drop(", " + workloadid.UseLabel + `: "true"`), after: labelLate},
		{name: "noannotation", link: "annotation", got: "no azure.workload.identity/client-id", fix: "annotate ServiceAccount/noannotation", manifests: dropAnnotation},
		{name: "wrongid", link: "annotation", got: "which is not", fix: "annotate ServiceAccount/wrongid", manifests: wrongAnnotation},
		{name: "noaccount", link: "service account", got: "does not exist", fix: "create service account noaccount", after: func(t *testing.T, s *explained) { s.dropAccount(t) }},
		{name: "hookdown", link: "webhook", got: "no such pod can be born", fix: "see that the webhook's pods run", before: behaving(webhook.Behaviour{Down: true})},
		{name: "hookaway", link: "environment", got: "AZURE_", fix: "let the pod be made anew", before: behaving(webhook.Behaviour{SkipEvery: 1}), after: behaving(webhook.Behaviour{})},
		{name: "hardcoded", link: "environment", got: "AZURE_CLIENT_ID", fix: "remove AZURE_CLIENT_ID from container app", manifests: hardCode},
		{name: "nocredential", link: "federated credential", got: "matches", fix: "create a federated credential with exactly issuer", after: func(t *testing.T, s *explained) { s.distrust(t) }},
		{name: "noslash", link: "federated credential", got: "a trailing slash differs", fix: "create a federated credential with exactly issuer", after: func(t *testing.T, s *explained) { s.loseSlash(t, s.app.Identity) }},
	}
}

// Explain names the broken link of pods that really run, and how to mend it.
func TestExplainFindsTheBrokenLinkOfRealPods(t *testing.T) {
	inTurn(t, short)
	f := commonFleet(t)
	c, o := f.Clusters[0], newOperator(t, f)
	var all []*explained
	for _, b := range brokenChains() {
		s := &explained{o, c, app.App{Namespace: b.name, Name: b.name, Identity: f.Identity("rg-"+b.name, "id-"+b.name), Replicas: 1, OnWorkloadIdentity: true}}
		all = append(all, s)
		trust := federation.Credential{Name: "aks", Issuer: c.Issuer(), Subject: workloadid.Subject(b.name, b.name), Audience: workloadid.Audience}
		if err := o.store.Put(t.Context(), s.app.Identity, trust); err != nil {
			t.Fatal(err)
		}
		if b.before != nil {
			b.before(t, s)
		}
		yaml := s.app.YAML()
		if b.manifests != nil {
			yaml = b.manifests(yaml)
		}
		if err := c.Apply(t.Context(), yaml); err != nil {
			t.Fatal(err)
		}
	}
	for i, b := range brokenChains() {
		t.Run(b.name, func(t *testing.T) { all[i].judge(t, b) })
	}
}

// noWebhook explains an application that has moved in a cluster whose webhook is taken away.
func noWebhook(t *testing.T, o *operator, c *fleet.Cluster, r resident) {
	err := c.Client.AdmissionregistrationV1().MutatingWebhookConfigurations().Delete(t.Context(), webhook.ConfigurationName, metav1.DeleteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := &explained{o, c, r.App}
	s.judge(t, broken{link: "webhook", got: "is registered", fix: "az aks update --enable-workload-identity"})
}

// judge explains the application's Deployment once its pod runs, and the pod itself.
func (s *explained) judge(t *testing.T, b broken) {
	if b.link != "webhook" {
		fleet.Await(t, "a pod of "+s.app.Name, func() (bool, error) {
			pods, err := s.pods(t)
			return len(pods) == 1 && pods[0].Status.Phase == corev1.PodRunning, err
		})
	}
	if b.name == "healthy" { // or nobody can say how it takes its tokens
		fleet.Await(t, "a token", func() (bool, error) { return count(s.c.Reports(), ofNamespace(s.app.Namespace)) > 0, nil })
	}
	if b.after != nil {
		b.after(t, s)
	}
	x, err := cutover.Explain(t.Context(), s.clusters[s.c.Name], cutover.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: s.app.Namespace, Name: s.app.Name},
		&cutover.ExplainOptions{Cluster: s.c.Name, Issuer: s.c.Issuer(), Identity: s.app.Identity, Exchanger: s.operator, Trust: s.store, Oracle: s.options(nil).Oracle})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := x.Show(&text); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", &text)
	first := x.Broken()
	switch {
	case b.link == "" && first != nil:
		t.Errorf("broken: %+v", first)
	case b.link == "":
		for _, l := range x.Links {
			if l.Result != cutover.Pass {
				t.Errorf("%s: %s", l.Name, l.Got)
			}
		}
	case first == nil || first.Name != b.link || !strings.Contains(first.Got, b.got) || !strings.Contains(first.Fix, b.fix):
		t.Errorf("first broken link: %+v; want %s: …%s…, to be mended by …%s…", first, b.link, b.got, b.fix)
	}
}

func (s *explained) pods(t *testing.T) ([]corev1.Pod, error) {
	list, err := s.c.Client.CoreV1().Pods(s.app.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

func labelLate(t *testing.T, s *explained) {
	deployments := s.c.Client.AppsV1().Deployments(s.app.Namespace)
	patch := `{"spec":{"paused":true,"template":{"metadata":{"labels":{"azure.workload.identity/use":"true"}}}}}`
	if _, err := deployments.Patch(t.Context(), s.app.Name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}
