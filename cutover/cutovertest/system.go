package cutovertest

import (
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"time"
)

const hookService = "azure-wi-webhook-webhook-service"

// caBundle is the CA of the cluster's webhook, which lasts ten years.
func (c *Cluster) caBundle() string {
	key := ed25519.NewKeyFromSeed(append([]byte("the webhook's CA of a simulation"), c.key...)[:ed25519.SeedSize])
	now := c.fleet.now
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: c.name}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.AddDate(10, 0, 0), IsCA: true}
	der, err := x509.CreateCertificate(nil, ca, ca, key.Public(), key)
	if err != nil {
		panic("cutovertest: " + err.Error()) // a template that is the same for ever
	}
	return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// hookEndpoints are the two ready endpoints behind the webhook's service.
func hookEndpoints() map[string]any {
	endpoint := func(node string) any {
		return map[string]any{"nodeName": node, "conditions": map[string]any{"ready": true}}
	}
	return map[string]any{
		"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
		"metadata": map[string]any{
			"name": hookService + "-1", "namespace": "kube-system", "labels": map[string]any{"kubernetes.io/service-name": hookService},
		},
		"endpoints": []any{endpoint("system-000"), endpoint("system-001")},
	}
}

// allow answers an access review: the simulation has no RBAC, so everything is allowed.
func allow(review map[string]any) {
	review["status"] = map[string]any{"allowed": true, "reason": "the simulation has no RBAC"}
}
