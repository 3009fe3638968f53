package e2e_test

import (
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/e2e/webhook"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

const anotherClient = "99999999-9999-4999-8999-999999999999"

var annotationText = regexp.MustCompile(`, annotations: \{` + regexp.QuoteMeta(workloadid.ClientIDAnnotation) + `: [^}]*\}`)

func dropAnnotation(yaml string) string { return annotationText.ReplaceAllString(yaml, "") }

func wrongAnnotation(yaml string) string {
	return annotationText.ReplaceAllString(yaml, ", annotations: {"+workloadid.ClientIDAnnotation+": "+anotherClient+"}")
}

func hardCode(yaml string) string {
	return strings.ReplaceAll(yaml, "env: [", "env: [{name: AZURE_CLIENT_ID, value: "+anotherClient+"}, ")
}

func (s *explained) dropAccount(t *testing.T) {
	if err := s.c.Client.CoreV1().ServiceAccounts(s.app.Namespace).Delete(t.Context(), s.app.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (s *explained) distrust(t *testing.T) {
	if err := s.store.Delete(t.Context(), s.app.Identity, "aks"); err != nil {
		t.Fatal(err)
	}
}

func behaving(b webhook.Behaviour) func(*testing.T, *explained) {
	return func(_ *testing.T, s *explained) { s.c.Webhook.BehaveIn(s.app.Namespace, b) }
}

// ofNamespace matches the pods of a namespace that have taken a token.
func ofNamespace(name string) func(kubelet.PodReport) bool {
	return func(r kubelet.PodReport) bool { return r.Namespace == name && r.Taken > 0 }
}
