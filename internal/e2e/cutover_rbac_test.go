package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/cutover"
)

// byItsManifestAlone moves a unit there and back as a service account that may do nothing but what the plan's manifest says: the API
// server, which authorises by RBAC, refuses none of its requests.
func byItsManifestAlone(t *testing.T, s *snare) {
	manifest, err := s.p.RBAC(s.c.Name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.c.Apply(t.Context(), string(manifest)); err != nil {
		t.Fatal(err)
	}
	var sent requestLog
	cluster, err := cutover.NewCluster(asAccount(t, s, &sent))
	if err != nil {
		t.Fatal(err)
	}
	least := &operator{f: s.f, store: s.store, clusters: map[string]cutover.Cluster{s.c.Name: cluster}}
	j, err := cutover.NewConfigMapJournal(least.clusters, "wimigrate")
	if err != nil {
		t.Fatal(err)
	}
	r, err := cutover.NewRunner(least.clusters, j, s.gates(), least.options(nil))
	if err != nil {
		t.Fatal(err)
	}
	rep, err := r.Run(t.Context(), s.p)
	if err != nil {
		t.Fatal(err)
	}
	want(t, rep.Units[0], cutover.Done, "")
	wholeChain(t, s)
	if rep, err = r.Rollback(t.Context(), s.p); err != nil {
		t.Fatal(err)
	}
	want(t, rep.Units[0], cutover.RolledBack, "")
	all := sent.between(time.Time{}, time.Now())
	refused := map[string]bool{}
	for _, q := range all {
		if q.Status == http.StatusForbidden || q.Status == http.StatusUnauthorized {
			refused[q.Method+" "+q.Path] = true
		}
	}
	for q := range refused {
		t.Error("refused: " + q)
	}
	t.Logf("%d requests by the manifest alone", len(all))
}

// wholeChain judges that Explain finds no broken link from the unit's first pods to their tokens.
func wholeChain(t *testing.T, s *snare) {
	t.Helper()
	for _, w := range s.p.Units[0].Workloads {
		x, err := cutover.Explain(t.Context(), s.clusters[s.c.Name], w.Ref, &cutover.ExplainOptions{Cluster: s.c.Name, Issuer: s.c.Issuer(),
			Identity: s.r.Identity, Exchanger: s.operator, Trust: s.store, Oracle: s.options(nil).Oracle})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range x.Links {
			if l.Result != cutover.Pass {
				t.Errorf("%s: %s: %s: %s", w, l.Name, l.Result, l.Got)
			}
		}
	}
}

// asAccount is the runner's service account, by a token that the API server has minted for it.
func asAccount(t *testing.T, s *snare, sent *requestLog) *rest.Config {
	t.Helper()
	life := int64(3600)
	token, err := s.c.Client.CoreV1().ServiceAccounts("wimigrate").CreateToken(t.Context(), "wimigrate",
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &life}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	admin := s.c.REST()
	cfg := rest.AnonymousClientConfig(admin)
	cfg.BearerToken, cfg.QPS, cfg.Burst = token.Status.Token, 100, 200
	other, err := cutover.NewCluster(cfg)
	if err != nil {
		t.Fatal(err)
	}
	beyond := cutover.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: "kube-system", Name: "extension-apiserver-authentication"}
	if _, err := other.Get(t.Context(), beyond); err == nil || !strings.Contains(err.Error(), "wimigrate:wimigrate") {
		t.Fatalf("the account may read what the manifest does not grant, or is another: %v", err)
	}
	cfg.Wrap(sent.wrap)
	return cfg
}
