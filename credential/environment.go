package credential

import (
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// What the workload identity webhook puts into a pod.
// https://azure.github.io/azure-workload-identity/docs/installation/mutating-admission-webhook.html
const (
	envClientID      = "AZURE_CLIENT_ID"
	envTenantID      = "AZURE_TENANT_ID"
	envTokenFile     = "AZURE_FEDERATED_TOKEN_FILE"
	envAuthorityHost = "AZURE_AUTHORITY_HOST"
	// Set in pods that use an AKS identity binding.
	// https://learn.microsoft.com/azure/aks/identity-bindings-concepts
	envTokenProxy = "AZURE_KUBERNETES_TOKEN_PROXY"
)

// bindingDetails mean nothing without envTokenProxy.
var bindingDetails = [...]string{"AZURE_KUBERNETES_SNI_NAME", "AZURE_KUBERNETES_CA_FILE", "AZURE_KUBERNETES_CA_DATA"}

// elsewhere names the variables that make azidentity ask something other than the
// metadata endpoint: App Service, Azure Arc, Cloud Shell.
// https://learn.microsoft.com/azure/developer/go/sdk/authentication/credential-chains
var elsewhere = [...]string{"IDENTITY_ENDPOINT", "MSI_ENDPOINT"}

// settings is what New decided, from options and environment.
type settings struct {
	path          Path
	clientID      string
	tenantID      string
	resourceID    string
	tokenFile     string
	authorityHost string
	binding       bool // an AKS identity binding stands between the pod and Entra
}

// choose decides the path. It reads nothing but its arguments.
func choose(o Options) (settings, error) {
	env := func(given, name string) string {
		if given != "" {
			return given
		}
		v, _ := o.LookupEnv(name)
		return strings.TrimSpace(v)
	}
	s := settings{
		path:          o.Path,
		clientID:      env(o.ClientID, envClientID),
		tenantID:      env(o.TenantID, envTenantID),
		resourceID:    o.ResourceID,
		tokenFile:     env(o.TokenFile, envTokenFile),
		authorityHost: env(o.Cloud.ActiveDirectoryAuthorityHost, envAuthorityHost),
		binding:       env("", envTokenProxy) != "",
	}
	if s.authorityHost == "" && len(o.Cloud.Services) == 0 {
		s.authorityHost = cloud.AzurePublic.ActiveDirectoryAuthorityHost
	}
	if s.path == Auto {
		s.path = PodIdentity
		if s.tokenFile != "" {
			s.path = WorkloadIdentity
		}
	}
	switch s.path {
	case WorkloadIdentity:
		return s, s.checkWorkloadIdentity(o)
	case PodIdentity:
		return s, s.checkPodIdentity(o)
	case Auto, Wrapped:
	}
	return s, &ConfigError{Setting: "Path", Problem: fmt.Sprintf("unknown path %q", o.Path),
		Remedy: "use Auto, WorkloadIdentity or PodIdentity"}
}

func (s settings) checkWorkloadIdentity(o Options) error {
	const label = `label the pod template azure.workload.identity/use: "true" and restart`
	switch {
	case s.tokenFile == "":
		return &ConfigError{Setting: envTokenFile, Problem: "not set, so the pod carries no federated token", Remedy: label}
	case s.clientID == "":
		return &ConfigError{Setting: envClientID,
			Problem: "not set although the pod carries a federated token; falling through to the metadata endpoint could yield the node's identity",
			Remedy:  "annotate the service account with azure.workload.identity/client-id and restart the pod"}
	case s.tenantID == "":
		return &ConfigError{Setting: envTenantID, Problem: "not set although the pod carries a federated token",
			Remedy: "remove an empty azure.workload.identity/tenant-id annotation from the service account and restart the pod"}
	}
	for _, name := range bindingDetails {
		if v, _ := o.LookupEnv(name); v != "" && !s.binding {
			return &ConfigError{Setting: envTokenProxy, Problem: "not set although " + name + " is: half an identity binding",
				Remedy: "restart the pod, so that the webhook injects all of it"}
		}
	}
	return nil
}

func (s settings) checkPodIdentity(o Options) error {
	if s.clientID == "" && !o.AllowNodeIdentity {
		return &ConfigError{Setting: "ClientID",
			Problem: "required: without it the metadata endpoint may answer with the node's own identity",
			Remedy:  "set Options.ClientID or " + envClientID + " to the client ID in the pod's AzureIdentity",
			missing: true}
	}
	for _, name := range elsewhere {
		if v, _ := o.LookupEnv(name); v != "" {
			return &ConfigError{Setting: name, Problem: "set, so azidentity would not ask the metadata endpoint",
				Remedy: "unset it in the pod template"}
		}
	}
	return nil
}
