// Package workloadid holds the wire names of the new world: the labels, annotations and environment of the Azure Workload Identity
// webhook (v1.6.0). Source: https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
package workloadid

const (
	// UseLabel with the exact value UseValue on a pod (so: on the pod template) selects it for the webhook.
	UseLabel = "azure.workload.identity/use"
	UseValue = "true"

	// Annotations of a service account.
	ClientIDAnnotation = "azure.workload.identity/client-id"
	TenantIDAnnotation = "azure.workload.identity/tenant-id"

	// Annotations of a service account or a pod; the pod's wins. Seconds, 3600 to 86400.
	TokenExpirationAnnotation = "azure.workload.identity/service-account-token-expiration"

	// Annotations of a pod. The proxy sidecar is injected when the key is present, whatever its value
	// (https://github.com/Azure/azure-workload-identity/issues/1210).
	SkipContainersAnnotation     = "azure.workload.identity/skip-containers"
	InjectProxyAnnotation        = "azure.workload.identity/inject-proxy-sidecar"
	ProxyPortAnnotation          = "azure.workload.identity/proxy-sidecar-port"
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
