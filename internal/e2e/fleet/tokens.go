package fleet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	authv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// Mint asks the API server for a token of a service account for Entra, as `kubectl create token` does.
func (c *Cluster) Mint(ctx context.Context, namespace, serviceAccount string) (string, error) {
	request := &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{Audiences: []string{workloadid.Audience}}}
	got, err := c.Client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, serviceAccount, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("fleet: token of %s/%s: %w", namespace, serviceAccount, err)
	}
	return got.Status.Token, nil
}

// ProjectedToken reads the token that is mounted in a running pod at this moment.
func (c *Cluster) ProjectedToken(pod kubelet.PodReport) (string, error) {
	dir := filepath.Join(c.fleet.file(fmt.Sprintf("%s-%d", c.Name, c.generation)), "pods", string(pod.UID))
	for _, pattern := range []string{"*/token/azure-identity-token", "*/azure-identity-token"} {
		if found, _ := filepath.Glob(filepath.Join(dir, pattern)); len(found) > 0 {
			b, err := os.ReadFile(found[0])
			return string(b), err
		}
	}
	return "", fmt.Errorf("fleet: pod %s/%s has no projected token", pod.Namespace, pod.Pod)
}
