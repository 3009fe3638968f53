package controlplane

import (
	_ "embed"
	"fmt"
	"os"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/wimigrate/wimigrate/internal/e2e/pki"
)

// adminToken opens the test cluster on loopback to its administrator; it protects nothing.
const adminToken = "administrator-of-the-test-cluster"

// RunsForAnnotation is, on a pod of a Job, the duration after which it completes, in place of the cluster's.
const RunsForAnnotation = "e2e.wimigrate.test/runs-for"

// stages tell kwok how nodes and pods come to life.
//
//go:embed stages.yaml
var stages string

// admission lets few Events through, which nobody reads here: writing them down would take a tenth of an API server's time.
const admission = `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: EventRateLimit
  configuration: {apiVersion: eventratelimit.admission.k8s.io/v1alpha1, kind: Configuration, limits: [{type: Server, qps: 1, burst: 20}]}
`

// writeFiles writes all that the programs read.
func (c *ControlPlane) writeFiles() error {
	cert, key, err := c.cfg.Authority.Issue("kube-apiserver", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		"ca.crt": c.cfg.Authority.PEM, "apiserver.crt": cert, "apiserver.key": key,
		"admission.yaml": []byte(admission),
		"tokens.csv":     []byte(adminToken + ",administrator,administrator,system:masters\n"),
		"stages.yaml":    []byte(strings.NewReplacer("JOB_MILLISECONDS", fmt.Sprint(1000*c.cfg.JobSeconds), "RUNS_FOR", RunsForAnnotation).Replace(stages)),
	} {
		if err := os.WriteFile(c.file(name), content, 0o600); err != nil {
			return err
		}
	}
	if err := c.addSigningKey(); err != nil {
		return err
	}
	return c.writeKubeconfig()
}

// addSigningKey makes a key file and puts it first, where the API server's signing key is taken from.
func (c *ControlPlane) addSigningKey() error {
	key, err := pki.NewSigningKey()
	if err != nil {
		return err
	}
	pem, err := pki.KeyPEM(key)
	if err != nil {
		return err
	}
	path := c.file(fmt.Sprintf("signing-%d.key", len(c.keys)))
	if err := os.WriteFile(path, pem, 0o600); err != nil {
		return err
	}
	c.keys = append([]string{path}, c.keys...)
	return nil
}

func (c *ControlPlane) writeKubeconfig() error {
	server := "https://" + c.api.String()
	c.rest = &rest.Config{
		Host: server, BearerToken: adminToken, TLSClientConfig: rest.TLSClientConfig{CAData: c.cfg.Authority.PEM}, QPS: -1,
		WarningHandler: rest.NoWarnings{}, DisableCompression: true, // on one machine it saves nothing
	}
	k := api.NewConfig()
	k.Clusters[c.cfg.Name] = &api.Cluster{Server: server, CertificateAuthorityData: c.cfg.Authority.PEM}
	k.AuthInfos[c.cfg.Name] = &api.AuthInfo{Token: adminToken}
	k.Contexts[c.cfg.Name] = &api.Context{Cluster: c.cfg.Name, AuthInfo: c.cfg.Name}
	k.CurrentContext = c.cfg.Name
	return clientcmd.WriteToFile(*k, c.Kubeconfig())
}
