package issuer

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/wimigrate/wimigrate/federation"
)

// Minter returns the minter for federation.Prove over live clusters, by the fleet's names: it lets the target's cluster mint a token for
// the target's service account and audience (create on serviceaccounts/token). The token lives ten minutes. A cluster that is not among
// them is an error of each of its targets. The minter is safe for concurrent use.
func Minter(clusters map[string]kubernetes.Interface) federation.Minter {
	return func(ctx context.Context, t federation.ProofTarget) (string, error) {
		kube := clusters[t.Cluster]
		if kube == nil {
			return "", fmt.Errorf("issuer: there is no client for cluster %s", t.Cluster)
		}
		return mint(ctx, kube, t.Namespace, t.ServiceAccount, t.Audience)
	}
}

// mint asks for a token through the TokenRequest API.
func mint(ctx context.Context, kube kubernetes.Interface, namespace, serviceAccount, audience string) (string, error) {
	seconds := int64(tokenSeconds)
	answer, err := kube.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, serviceAccount, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{Audiences: []string{audience}, ExpirationSeconds: &seconds},
	}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("mint a token for service account %s/%s: %w", namespace, serviceAccount, err)
	}
	return answer.Status.Token, nil
}
