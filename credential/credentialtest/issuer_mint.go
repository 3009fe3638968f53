package credentialtest

import (
	"crypto/rsa"
	"fmt"
	"time"
)

// ExchangeAudience is the audience that AKS and Entra use for workload identity,
// in every cloud: https://learn.microsoft.com/azure/aks/workload-identity-deploy-cluster.
const ExchangeAudience = "api://AzureADTokenExchange"

// ServiceAccountToken says what a minted token claims. Zero fields mean the
// default written at each.
type ServiceAccountToken struct {
	// Namespace and Name make the subject system:serviceaccount:Namespace:Name.
	Namespace, Name string
	// Subject replaces the subject made from Namespace and Name.
	Subject string
	// Issuer replaces the issuer's URL.
	Issuer string
	// Audience defaults to [ExchangeAudience].
	Audience string
	// NotBefore defaults to now. IssuedAt is the same instant.
	NotBefore time.Time
	// Lifetime defaults to one hour; a negative one mints an expired token.
	Lifetime time.Duration
	// KeyID replaces the "kid" of the signing key.
	KeyID string
	// Key signs instead of the issuer's key, under the issuer's "kid" unless
	// KeyID says otherwise: a forged token.
	Key *rsa.PrivateKey
	// Algorithm replaces "RS256" in the header. The signature stays RS256.
	Algorithm string
	// Claims are added last and win; a nil value removes the claim.
	Claims Claims
}

// Mint signs a token with the claims a kube-apiserver puts into a projected
// service-account token. It fails only if the claims cannot be JSON.
func (i *Issuer) Mint(t ServiceAccountToken) (string, error) {
	i.mu.Lock()
	key := i.signing
	i.mu.Unlock()
	header := jwtHeader{Algorithm: or(t.Algorithm, "RS256"), KeyID: or(t.KeyID, key.id)}
	signer := key.private
	if t.Key != nil {
		signer = t.Key
	}
	raw, err := signJWT(signer, header, t.claims(i.url))
	if err != nil {
		return "", fmt.Errorf("credentialtest: issuer %s: mint for %s/%s: %w", i.url, t.Namespace, t.Name, err)
	}
	return raw, nil
}

func (t ServiceAccountToken) claims(issuer string) Claims {
	from, life := t.NotBefore, t.Lifetime
	if from.IsZero() {
		from = time.Now()
	}
	if life == 0 {
		life = time.Hour
	}
	c := Claims{
		"iss": or(t.Issuer, issuer),
		"sub": or(t.Subject, "system:serviceaccount:"+t.Namespace+":"+t.Name),
		"aud": []string{or(t.Audience, ExchangeAudience)},
		"iat": from.Unix(), "nbf": from.Unix(), "exp": from.Add(life).Unix(),
		"kubernetes.io": map[string]any{
			"namespace":      t.Namespace,
			"serviceaccount": map[string]any{"name": t.Name},
		},
	}
	for name, v := range t.Claims {
		if v == nil {
			delete(c, name)
			continue
		}
		c[name] = v
	}
	return c
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
