package federation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/federationtest"
)

// tenantOf lets Entra's double believe what a cloud holds: what is applied to ARM is what Entra trusts, some time later.
func tenantOf(cloud *federationtest.Cloud) credentialtest.Trust {
	return credentialtest.TrustFunc(func(ctx context.Context, tenantID, clientID string) (credentialtest.Identity, error) {
		known, err := cloud.Identity(ctx, tenantID, clientID)
		switch {
		case errors.Is(err, federationtest.ErrUnknownTenant):
			return credentialtest.Identity{}, credentialtest.ErrUnknownTenant
		case err != nil:
			return credentialtest.Identity{}, credentialtest.ErrUnknownClient
		}
		id := credentialtest.Identity{TenantID: tenantID, ClientID: known.Identity.ClientID, ObjectID: known.ObjectID, ResourceID: known.Identity.ResourceID}
		for _, c := range known.Credentials {
			id.Credentials = append(id.Credentials, credentialtest.FederatedCredential{Name: c.Name, Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, Written: c.Written, Removed: c.Removed})
		}
		return id, nil
	})
}

// internet is Entra and the issuers of some clusters, in memory.
type internet struct {
	hosts   credentialtest.Hosts
	issuers map[string]*credentialtest.Issuer // by cluster
	cloud   *federationtest.Cloud
}

func newInternet(t *testing.T, cat *catalog.Catalog, opts credentialtest.EntraOptions) *internet {
	t.Helper()
	w := &internet{hosts: credentialtest.Hosts{}, issuers: map[string]*credentialtest.Issuer{}, cloud: federationtest.NewCloud(&federationtest.CloudOptions{ARMRates: federation.ARMRates()})}
	for _, c := range cat.Clusters {
		w.build(t, c.Name, c.Issuer)
	}
	opts.Transport = w.hosts
	entra, err := credentialtest.NewEntra(tenantOf(w.cloud), &opts)
	if err != nil {
		t.Fatal(err)
	}
	w.hosts["login.microsoftonline.com"] = entra
	w.cloud.AddAll(cat, "eastus")
	return w
}

// build gives a cluster an issuer of its own.
func (w *internet) build(t *testing.T, cluster, issuerURL string) {
	t.Helper()
	issuer, err := credentialtest.NewIssuer(issuerURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(issuerURL)
	if err != nil {
		t.Fatal(err)
	}
	w.issuers[cluster], w.hosts[u.Host] = issuer, issuer
}

func (w *internet) mint(_ context.Context, t federation.ProofTarget) (string, error) {
	return w.issuers[t.Cluster].Mint(credentialtest.ServiceAccountToken{Namespace: t.Namespace, Name: t.ServiceAccount, Audience: t.Audience})
}

// exchange is the request that any workload makes.
func (w *internet) exchange(ctx context.Context, tenantID, clientID, assertion string) (federation.Claims, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {clientID}, "scope": {"https://vault.azure.net/.default"}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://login.microsoftonline.com/"+tenantID+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	if err != nil {
		return federation.Claims{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := w.hosts.Do(req)
	if err != nil {
		return federation.Claims{}, err
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return federation.Claims{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return federation.Claims{}, fmt.Errorf("HTTP %d: %s", resp.StatusCode, answer.Description)
	}
	return federation.AccessTokenClaims(answer.AccessToken)
}

// From a catalog to signed tokens exchanged, through a propagation of two minutes, a negative cache, and replicas that err; then the
// cluster is rebuilt: its tokens are refused until the plan has followed.
func TestAppliedTrustIsProvenByRealTokensAndFollowsARebuiltCluster(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cat := twoRegions(2)
		w := newInternet(t, cat, credentialtest.EntraOptions{Propagation: 2 * time.Minute, NegativeCache: 30 * time.Second, Noise: 0.022, Seed: 5})
		prove := func(p *federation.Plan, r *federation.Report) error {
			_, err := federation.Prove(t.Context(), p.Targets(r), w.mint, w.exchange, nil)
			return err
		}
		apply := func() (*federation.Plan, *federation.Report) {
			have, err := federation.Observe(t.Context(), w.cloud.Store(), cat, nil)
			if err != nil {
				t.Fatal(err)
			}
			p := mustPlan(t, cat, have, nil)
			report, err := federation.Apply(t.Context(), w.cloud.Store(), p, nil)
			if err != nil {
				t.Fatal(err)
			}
			return p, report
		}
		p, report := apply()
		if err := prove(p, report); err != nil {
			t.Fatalf("first apply: %v", err)
		}
		rebuilt := strings.Replace(issuer("eastus", 1), "eastus.", "rebuilt.", 1)
		w.build(t, "aks-eastus", rebuilt)
		if err := prove(p, report); !errors.Is(err, federation.ErrWrongToken) {
			t.Errorf("after the rebuild, by the old plan: %v", err)
		}
		cat.Clusters[0].Issuer = rebuilt
		if p, report = apply(); p.Count(federation.Replace) != 2 {
			t.Errorf("plan: %v", lines(p))
		}
		if err := prove(p, report); err != nil {
			t.Errorf("after following: %v", err)
		}
	})
}
