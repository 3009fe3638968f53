// Package workloadid holds the wire names of the new world: the labels, annotations and environment of the Azure Workload Identity
// webhook (v1.6.0). Source: https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
package workloadid

const (
	// Prefix of every label and annotation of the webhook.
	Prefix = "azure.workload.identity/"

	// UseLabel with the exact value UseValue on a pod (so: on the pod template) selects it for the webhook.
	UseLabel = "azure.workload.identity/use"
	// UseValue is the one value of UseLabel that selects.
	UseValue = "true"

	// ClientIDAnnotation on a service account names the identity.
	ClientIDAnnotation = "azure.workload.identity/client-id"
	// TenantIDAnnotation on a service account names a tenant other than the webhook's own.
	TenantIDAnnotation = "azure.workload.identity/tenant-id"

	// TokenExpirationAnnotation on a service account or a pod, whose word wins: seconds, 3600 to 86400.
	TokenExpirationAnnotation = "azure.workload.identity/service-account-token-expiration"

	// SkipContainersAnnotation on a pod names containers to leave alone, separated by semicolons.
	SkipContainersAnnotation = "azure.workload.identity/skip-containers"
	// InjectProxyAnnotation on a pod asks for the migration proxy by being there, whatever its value
	// (https://github.com/Azure/azure-workload-identity/issues/1210).
	InjectProxyAnnotation = "azure.workload.identity/inject-proxy-sidecar"
	// ProxyPortAnnotation on a pod is the migration proxy's port.
	ProxyPortAnnotation = "azure.workload.identity/proxy-sidecar-port"
	// ProxyContainer is the migration proxy in a pod
	// (https://github.com/Azure/azure-workload-identity/blob/main/pkg/webhook/consts.go).
	ProxyContainer = "azwi-proxy"
	// ProxyInitContainer redirects the pod's IMDS requests to the migration proxy.
	ProxyInitContainer = "azwi-proxy-init"
	// ProxyPortEnv says in ProxyInitContainer which port that is.
	ProxyPortEnv = "PROXY_PORT"

	// UseIdentityBindingAnnotation on a pod asks for an AKS identity binding's token endpoint.
	UseIdentityBindingAnnotation = "azure.workload.identity/use-identity-binding"

	// Audience of the projected token, the same in every Azure cloud for AKS
	// (https://learn.microsoft.com/azure/aks/workload-identity-deploy-cluster).
	Audience = "api://AzureADTokenExchange"
	// BindingAudience is the audience of AKS identity bindings' tokens
	// (https://learn.microsoft.com/azure/aks/identity-bindings-concepts).
	BindingAudience = "api://AKSIdentityBinding"

	// WebhookName is the name of the webhook inside its MutatingWebhookConfiguration; the configuration's own name and its
	// namespace differ between installs, this does not.
	WebhookName = "mutation.azure-workload-identity.io"
)

// Environment that the webhook injects into every container that does not define it and is not skipped.
const (
	EnvClientID           = "AZURE_CLIENT_ID"
	EnvTenantID           = "AZURE_TENANT_ID"
	EnvFederatedTokenFile = "AZURE_FEDERATED_TOKEN_FILE"
	EnvAuthorityHost      = "AZURE_AUTHORITY_HOST"
)

// Subject returns the token subject of a Kubernetes service account.
func Subject(namespace, serviceAccount string) string {
	return "system:serviceaccount:" + namespace + ":" + serviceAccount
}
