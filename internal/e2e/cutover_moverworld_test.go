package e2e_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/armfic"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
)

// moverWorld tells a process where a fleet's Azure is and who it is there.
type moverWorld struct {
	Entra, ARM, CA, Token string
}

func newMoverWorld(t *testing.T, f *fleet.Fleet) *moverWorld {
	t.Helper()
	token, err := f.Azure.Operator().GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	return &moverWorld{Entra: f.Azure.EntraURL, ARM: f.Azure.ARMURL, CA: filepath.Join(f.Dir, "ca.crt"), Token: token.Token}
}

// GetToken implements azcore.TokenCredential.
func (w *moverWorld) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: w.Token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// Exchange implements cutover.Exchanger.
func (x exchangeFunc) Exchange(ctx context.Context, r cutover.ExchangeRequest) (cutover.Claims, error) {
	c, err := x(ctx, cmp.Or(r.TenantID, azure.TenantID), r.ClientID, r.Assertion)
	return cutover.Claims{AppID: c.ClientID, TenantID: c.TenantID}, err
}

type exchangeFunc func(ctx context.Context, tenantID, clientID, assertion string) (credential.Claims, error)

// provided are the provided gates with windows of seconds, and what they need of the world.
func (w *moverWorld) provided(name string, c cutover.Cluster) (cutover.Gates, *cutover.Options, error) {
	pem, err := os.ReadFile(w.CA)
	if err != nil {
		return cutover.Gates{}, nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	sdk := azcore.ClientOptions{Transport: client, Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: w.Entra,
		Services: map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: w.ARM, Audience: "https://management.azure.com"}}}}
	store, err := armfic.NewStore(w, &arm.ClientOptions{ClientOptions: sdk})
	if err != nil {
		return cutover.Gates{}, nil, err
	}
	clock := func(ctx context.Context) (time.Time, error) {
		header, _, err := fetch(ctx, client, w.Entra)
		if err != nil {
			return time.Time{}, err
		}
		return http.ParseTime(header.Get("Date"))
	}
	load := &cutover.LoadOptions{Window: time.Second, Deadline: time.Minute, LookEvery: time.Second, Pods: 2, Nodes: 1, Calm: time.Second}
	gates := cutover.DefaultGates(&cutover.GateOptions{
		Preflight: &cutover.PreflightOptions{EntraClock: clock, Probes: 2, ProbeTime: time.Minute,
			Attest: func(cutover.Workload) cutover.Attestation { return cutover.AttestDeclared }},
		Prove:  &federation.ProveOptions{TenantID: azure.TenantID, Settle: -1, Every: 100 * time.Millisecond, Deadline: time.Minute},
		Ready:  &cutover.ReadyOptions{Floor: time.Minute}, // a loaded machine starts pods when it can
		Probes: 2, Settle: time.Minute, SettleEvery: time.Second, Quiet: time.Second, Calm: time.Second, Load: load, LoadAgain: load,
	})
	gates.Preflight = cutover.Eventually(gates.Preflight, time.Minute, time.Second)
	return gates, &cutover.Options{
		Trust: store, Patience: time.Minute, SoakEvery: time.Second, LowerPause: 200 * time.Millisecond,
		Exchanger: exchangeFunc(credential.Exchange(&credential.ExchangeOptions{ClientOptions: sdk, DisableInstanceDiscovery: true})),
		Oracle: &cutover.Telemetry{NMI: &cutover.NMIMetrics{Endpoints: cutover.NMIPods(map[string]cutover.Reader{name: c})},
			Status: func(ctx context.Context, _, namespace, pod string) ([]byte, error) {
				return statusPage(ctx, c, namespace, pod)
			}},
	}, nil
}

// statusPage reads a pod's page at its address, as a process beside the cluster can.
func statusPage(ctx context.Context, c cutover.Cluster, namespace, pod string) ([]byte, error) {
	live, err := c.Get(ctx, cutover.Ref{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: pod})
	if err != nil {
		return nil, err
	}
	ip, _, err := unstructured.NestedString(live.Object, "status", "podIP")
	if err != nil {
		return nil, err
	}
	_, page, err := fetch(ctx, http.DefaultClient, fmt.Sprintf("http://%s:%d/status", ip, workload.StatusPort))
	return page, err
}
