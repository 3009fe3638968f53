package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// arrive notes what is in the namespace in the end, and what the journal holds.
func (j *journey) arrive(t *testing.T) error {
	c := j.f.Clusters[0]
	sets, err := c.Client.AppsV1().ReplicaSets(j.name).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		return err
	}
	j.rollouts, j.end = len(sets.Items), map[string]leaves{}
	for _, k := range [][2]string{{"apps/v1", "Deployment"}, {"v1", "ServiceAccount"}, {"autoscaling/v2", "HorizontalPodAutoscaler"},
		{podidentity.GroupVersion, "AzureIdentity"}, {podidentity.GroupVersion, "AzureIdentityBinding"}} {
		kind, err := c.Objects.Kind(schema.FromAPIVersionAndKind(k[0], k[1]), j.name)
		if err != nil {
			return err
		}
		found, err := kind.List(t.Context(), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range found.Items {
			o := &found.Items[i]
			l, same := leaves{}, leaves{}
			flatten(l, "", o.Object)
			delete(l, "/metadata/uid")
			delete(l, "/metadata/creationTimestamp")
			for path, v := range l { // each journey has names and an identity of its own
				if strings.HasSuffix(path, "clientID") || strings.HasSuffix(path, "~1client-id") || path == "/spec/template/spec/containers/0/env/1/value" {
					v = "its client ID"
				}
				same[path] = strings.ReplaceAll(v, j.name, "NAME")
			}
			j.end[k[1]+" "+strings.ReplaceAll(o.GetName(), j.name, "NAME")] = same
		}
	}
	return j.noSecret(t)
}

// noSecret looks into the journal for what looks like a token.
func (j *journey) noSecret(t *testing.T) error {
	if j.file {
		text, err := os.ReadFile(j.disk)
		if err == nil && strings.Contains(string(text), "eyJ") {
			err = errors.New("a token in the journal")
		}
		return err
	}
	maps, err := j.f.Clusters[0].Client.CoreV1().ConfigMaps(moverJournals).List(t.Context(), metav1.ListOptions{})
	for _, m := range maps.Items {
		if strings.Contains(fmt.Sprint(m.Data), "eyJ") {
			return fmt.Errorf("a token in the journal %s", m.Name)
		}
	}
	return err
}

func awaitAvailable(t *testing.T, c *fleet.Cluster, name string) {
	t.Helper()
	fleet.Await(t, name+" to be available", func() (bool, error) {
		d, err := c.Client.AppsV1().Deployments(name).Get(t.Context(), name, metav1.GetOptions{})
		return err == nil && d.Status.AvailableReplicas == *d.Spec.Replicas && d.Status.ObservedGeneration == d.Generation, err
	})
}

func writePlan(t *testing.T, p *cutover.Plan, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Encode(f), f.Close()); err != nil {
		t.Fatal(err)
	}
}

func readPlan(path string) (*cutover.Plan, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return cutover.ReadPlan(f)
}
