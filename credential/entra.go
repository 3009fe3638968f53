package credential

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// newEntraProvider exchanges the service account token at Entra.
//
// Every try uses a WorkloadIdentityCredential of its own: an instance serialises
// its callers under a lock that ignores their contexts, and keeps the assertion for
// ten minutes, so that a corrected or renewed token file would go unread. The
// discovery documents that a new instance asks for are shared. Behind an identity
// binding azidentity brings a transport of its own, so there each try also opens a
// connection, which closes after 90 s of rest; tokens are rare enough for that.
func newEntraProvider(o Options, s settings) (*provider, error) {
	timeout := o.TryTimeout
	if timeout <= 0 {
		timeout = defaultEntraTry
	}
	check := identityCheck{clientID: s.clientID, resourceID: s.resourceID, opaque: true}
	shared := newDiscovery()
	client := single(o.ClientOptions, timeout, shared, witness{})
	client.Cloud.ActiveDirectoryAuthorityHost = s.authorityHost
	opts := azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: client, ClientID: s.clientID, TenantID: s.tenantID, TokenFilePath: s.tokenFile,
		AdditionallyAllowedTenants: o.AdditionallyAllowedTenants, DisableInstanceDiscovery: o.DisableInstanceDiscovery,
		EnableAzureProxy: s.binding,
	}
	build := func() (*azidentity.WorkloadIdentityCredential, error) {
		opts := opts
		return azidentity.NewWorkloadIdentityCredential(&opts)
	}
	if _, err := build(); err != nil {
		return nil, &ConfigError{Setting: "WorkloadIdentity", Problem: "azidentity refuses the configuration", Err: err}
	}
	try := func(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, outcome, error) {
		if _, err := readTokenFile(s.tokenFile); err != nil {
			return azcore.AccessToken{}, fileOutcome(err), err
		}
		inner, err := build()
		if err != nil {
			return azcore.AccessToken{}, outcome{source: SourceEntra, fault: FaultOther, text: redact(oneLine(err.Error())), err: err}, err
		}
		ctx, seen := withTestimony(ctx)
		token, err := inner.GetToken(ctx, o)
		if err == nil {
			check := check
			if check.tenantID = o.TenantID; check.tenantID == "" {
				check.tenantID = s.tenantID
			}
			err = check.verify(token.Token)
		}
		if err != nil {
			out := seen.outcome(err)
			shared.forget(out)
			return azcore.AccessToken{}, out, err
		}
		return token, outcome{source: SourceEntra}, nil
	}
	return &provider{path: WorkloadIdentity, timeout: timeout, overlap: true, client: o.ClientOptions, try: try}, nil
}

// defaultScope is what tokens are asked for where a caller names nothing: Azure
// Resource Manager of the cloud, which every tenant has. A cloud.Configuration knows
// it only in programs that use ARM's clients, so the authority tells too.
// https://learn.microsoft.com/azure/developer/go/sdk/sovereign-clouds
func defaultScope(o azcore.ClientOptions, authorityHost string) string {
	if audience := o.Cloud.Services[cloud.ResourceManager].Audience; audience != "" {
		return strings.TrimSuffix(audience, "/") + "/.default"
	}
	switch strings.TrimSuffix(authorityHost, "/") {
	case strings.TrimSuffix(cloud.AzureGovernment.ActiveDirectoryAuthorityHost, "/"):
		return "https://management.core.usgovcloudapi.net/.default"
	case strings.TrimSuffix(cloud.AzureChina.ActiveDirectoryAuthorityHost, "/"):
		return "https://management.core.chinacloudapi.cn/.default"
	}
	return "https://management.azure.com/.default"
}
