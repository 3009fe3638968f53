package credential

import (
	"slices"
	"sync"
)

// atMetadata are the sources behind 169.254.169.254.
func atMetadata() []Source { return []Source{SourceNMI, SourceIMDS, SourceMetadata} }

// decisions is the table: one row for each (source, outcome). Entra's codes come
// first, whoever quotes them, because the migration proxy wraps every refusal in a 500.
//
// Codes: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
// Propagation: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
// Metadata endpoint: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling
// NMI: https://azure.github.io/aad-pod-identity/docs/
//
// It is built once; nobody may change what it returns.
var decisions = sync.OnceValue(func() []Decision {
	return slices.Concat(codeDecisions(), metadataDecisions(), otherDecisions())
})

func codeDecisions() []Decision {
	return []Decision{
		{Name: "federation/no-match", Codes: []int{70021, 700211, 700213, 7002131}, Verdict: Retry, Pace: Patient, NotFederated: true,
			Meaning: "Entra found no matching federated credential", Remedy: "create it, or wait: a new one takes minutes to propagate"},
		{Name: "federation/none", Codes: []int{70025}, Verdict: Retry, Pace: Patient, NotFederated: true,
			Meaning: "the identity has no federated credential at all", Remedy: "create one"},
		{Name: "federation/audience", Codes: []int{700212}, Verdict: Permanent,
			Meaning: "the token's audience is not the federated credential's",
			Remedy:  "project a token for api://AzureADTokenExchange; a token for api://AKSIdentityBinding needs " + envTokenProxy},
		{Name: "federation/subject-form", Codes: []int{7002137, 7002138}, Verdict: Permanent,
			Meaning: "the federated credential's subject differs from the token's in form or letter case", Remedy: "correct the subject, byte for byte"},
		{Name: "federation/signing-key", Codes: []int{7000272}, Verdict: Retry, Pace: Patient,
			Meaning: "Entra does not know the issuer's signing key yet", Remedy: "check that the issuer's JWKS is public and holds the key; Entra caches it"},
		{Name: "federation/issuer-unreachable", Codes: []int{50166, 501661, 90061}, Verdict: Retry, Pace: Patient,
			Meaning: "Entra cannot fetch the issuer's discovery document or keys", Remedy: "check that the issuer is public and answers"},
		{Name: "assertion/expired", Codes: []int{700024}, Verdict: RetryOnce,
			Meaning: "the service account token is outside its valid time", Remedy: "check the node's clock and that the kubelet renews the token"},
		{Name: "assertion/signature", Codes: []int{700027}, Verdict: Permanent,
			Meaning: "the service account token's signature is invalid", Remedy: "check that the federated credential names this cluster's issuer"},
		{Name: "identity/not-found", Codes: []int{700016}, Verdict: RetryBriefly, Pace: Patient,
			Meaning: "the identity is not in the tenant", Remedy: "check client ID and tenant ID; a container's own AZURE_CLIENT_ID wins over the annotation"},
		{Name: "tenant/not-found", Codes: []int{90002}, Verdict: Permanent,
			Meaning: "the tenant does not exist in this cloud", Remedy: "check the tenant ID and " + envAuthorityHost},
		{Name: "federation/forbidden", Codes: []int{700222, 700223, 700229, 700238, 70052, 900382}, Verdict: Permanent,
			Meaning: "federation with this issuer is not allowed", Remedy: "check tenant policies and that issuer and cloud belong together"},
		{Name: "identity/disabled", Codes: []int{7000112, 70001}, Verdict: Permanent,
			Meaning: "the identity is disabled", Remedy: "enable it, or use another"},
		{Name: "resource/not-found", Codes: []int{500011, 50001}, Verdict: Permanent,
			Meaning: "the resource asked for is not in the tenant", Remedy: "check the scope"},
		{Name: "identity/signing-key", Codes: []int{50146}, Verdict: Permanent,
			Meaning: "the application needs a signing key of its own", Remedy: "configure one, or remove its claims mapping"},
		{Name: "entra/transient", Codes: []int{90006, 90012, 90024, 90033, 90090}, Verdict: Retry,
			Meaning: "Entra had a transient error", Remedy: "wait"},
		{Name: "entra/throttled-code", Codes: []int{90055, 50196}, Verdict: Retry, Pace: Patient,
			Meaning: "Entra throttles this identity", Remedy: "look for a loop that asks for tokens"},
		{Name: "assertion/malformed", Codes: []int{50027, 70023}, Verdict: Permanent,
			Meaning: "Entra does not accept the service account token's form or lifetime", Remedy: "check the projected volume; a token may live 24 hours at most"},
		{Name: "request/invalid", Codes: []int{70002, 70003, 70011, 7000218}, Verdict: Permanent,
			Meaning: "the request is not valid", Remedy: "check the scope"},
		{Name: "secret/invalid", Codes: []int{7000215, 7000222, 700030}, Verdict: Permanent,
			Meaning: "the service principal's secret or certificate is not accepted", Remedy: "renew the secret that the AzureIdentity names"},
	}
}

func metadataDecisions() []Decision {
	at := atMetadata()
	return []Decision{
		{Name: "identity/wrong", Faults: []Fault{FaultIdentity}, Sources: append(at, SourceProxy), Verdict: Retry,
			Meaning: "NMI was bypassed: the answer was another identity's token, and was refused",
			Remedy:  "check that NMI runs on this node and that the pod does not use the host network"},
		{Name: "identity/unverifiable", Faults: []Fault{FaultOpaque}, Sources: append(at, SourceProxy), Verdict: Permanent,
			Meaning: "the token was refused because it does not say whose it is", Remedy: "set Options.AcceptOpaque if the resource issues such tokens"},
		{Name: "metadata/header", Sources: at, Statuses: []int{400}, Contains: []string{"Required metadata header"}, Verdict: Permanent,
			Meaning: "the Metadata header was lost", Remedy: "remove the proxy between the pod and the metadata endpoint"},
		{Name: "metadata/resource", Sources: at, Statuses: []int{400}, Contains: []string{"parameter resource cannot be empty"}, Verdict: Permanent,
			Meaning: "no resource was asked for", Remedy: "check the scope"},
		{Name: "imds/several-identities", Sources: at, Statuses: []int{400}, Contains: []string{"Multiple user assigned identities"}, Verdict: Retry,
			Meaning: "NMI was bypassed: the node holds several identities and none was named", Remedy: "set ClientID; check that NMI runs on this node"},
		{Name: "imds/not-assigned", Sources: at, Statuses: []int{400}, Contains: []string{"Identity not found"}, Verdict: Retry,
			Meaning: "NMI is not intercepting yet, or the identity is not attached to this node",
			Remedy:  "check that NMI runs on this node and that MIC has attached the identity"},
		{Name: "nmi/blocked", Sources: at, Statuses: []int{403}, Contains: []string{"Request blocked by AAD Pod Identity NMI"}, Verdict: Permanent,
			Meaning: "NMI blocks this request", Remedy: "check NMI's --block-instance-metadata"},
		{Name: "nmi/attaching", Sources: at, Statuses: []int{403}, Contains: []string{"Identity not found"}, Verdict: Retry,
			Meaning: "the identity is not attached to this node yet", Remedy: "check MIC's log for errors from Azure"},
		{Name: "nmi/credentials", Sources: at, Statuses: []int{403}, Contains: []string{"Status Code = '401'"}, Verdict: Permanent,
			Meaning: "Entra refused the service principal behind the AzureIdentity", Remedy: "renew its secret"},
		{Name: "metadata/unreachable", Sources: []Source{SourceIMDS, SourceMetadata}, Statuses: []int{403}, Contains: []string{"unreachable"}, Verdict: RetryOnce,
			Meaning: "a proxy answered for the metadata endpoint", Remedy: "this does not run on an Azure node"},
		{Name: "nmi/forbidden", Sources: []Source{SourceNMI}, Statuses: []int{403}, Verdict: Retry,
			Meaning: "NMI could not get the token: the identity is being attached, or IMDS failed", Remedy: "check NMI's log"},
		{Name: "metadata/forbidden", Sources: []Source{SourceIMDS, SourceMetadata}, Statuses: []int{403}, Verdict: Retry,
			Meaning: "the metadata endpoint refuses", Remedy: "check network policies and NMI's log"},
		{Name: "nmi/no-such-identity", Sources: at, Statuses: []int{404}, Contains: []string{"no azure identity found for request clientID"}, Verdict: Retry,
			Meaning: "NMI has no identity with this client ID for the pod",
			Remedy:  "wait for the binding, or compare the client ID letter by letter and the namespaces of pod, binding and identity"},
		{Name: "nmi/not-ready", Sources: at, Statuses: []int{404}, Verdict: Retry,
			Meaning: "no identity is assigned to the pod yet", Remedy: "check the pod's aadpodidbinding label and MIC's log"},
		{Name: "nmi/namespace-mismatch", Sources: at, Statuses: []int{500}, Contains: []string{"index out of range"}, Verdict: RetryBriefly,
			Meaning: "NMI stumbled: the identity is in another namespace", Remedy: "put AzureIdentity and binding into the pod's namespace"},
		{Name: "nmi/pod-unknown", Sources: at, Statuses: []int{500}, Contains: []string{"pod list is empty", "failed to match pod IP"}, Verdict: Retry,
			Meaning: "NMI does not know the pod yet", Remedy: "check that NMI reaches the API server"},
		{Name: "nmi/configuration", Sources: at, Statuses: []int{503}, Contains: []string{"Kubernetes secret", "unsupported identity type"}, Verdict: Permanent,
			Meaning: "the AzureIdentity is misconfigured", Remedy: "correct its type and its secret"},
		{Name: "metadata/busy", Sources: at, Statuses: []int{408, 410, 429, 500}, Verdict: Retry,
			Meaning: "the metadata endpoint is not able to answer yet", Remedy: "wait"},
		{Name: "metadata/malformed", Sources: append(at, SourceProxy), Faults: []Fault{FaultMalformed}, Verdict: Retry,
			Meaning: "something other than NMI or IMDS answered", Remedy: "check for a proxy on the way; auxiliary tenants are not supported"},
		{Name: "proxy/not-ready", Sources: []Source{SourceProxy}, Statuses: []int{500, 408, 429}, Verdict: Retry,
			Meaning: "the migration proxy cannot get a token", Remedy: "check its log"},
		{Name: "metadata/transport", Sources: append(at, SourceProxy), Faults: []Fault{FaultTransport}, Verdict: Retry,
			Meaning: "nobody answers at the metadata endpoint", Remedy: "check that NMI runs on this node"},
		{Name: "metadata/unanswered", Sources: append(at, SourceProxy), Faults: []Fault{FaultUnanswered}, Verdict: Retry,
			Meaning: "the metadata endpoint holds the request: NMI waits for the identity", Remedy: "check MIC's log"},
	}
}

func otherDecisions() []Decision {
	entra := []Source{SourceEntra, SourceWrapped}
	return []Decision{
		{Name: "identity/unexpected", Faults: []Fault{FaultIdentity, FaultOpaque}, Verdict: Permanent,
			Meaning: "the token was another identity's, and was refused", Remedy: "check the client ID"},
		{Name: "file/forbidden", Faults: []Fault{FaultFile}, Contains: []string{"permission denied"}, Verdict: Permanent,
			Meaning: "the service account token may not be read", Remedy: "set fsGroup in the pod's securityContext, or run as a user that may read it"},
		{Name: "file/unusable", Faults: []Fault{FaultFile}, Verdict: RetryBriefly,
			Meaning: "the service account token cannot be read", Remedy: "check the projected volume and " + envTokenFile},
		{Name: "entra/throttled", Sources: entra, Statuses: []int{429}, Verdict: Retry, Pace: Patient,
			Meaning: "Entra throttles", Remedy: "look for a loop that asks for tokens"},
		{Name: "entra/unavailable", Sources: entra, Statuses: []int{408, 500}, Verdict: Retry,
			Meaning: "Entra is not able to answer", Remedy: "wait"},
		{Name: "entra/transport", Sources: entra, Faults: []Fault{FaultTransport}, Verdict: Retry,
			Meaning: "Entra cannot be reached", Remedy: "check egress, DNS and proxies"},
		{Name: "entra/unanswered", Sources: entra, Faults: []Fault{FaultUnanswered}, Verdict: Retry,
			Meaning: "Entra does not answer", Remedy: "check egress, DNS and proxies"},
		{Name: "entra/discovery", Sources: entra, Faults: []Fault{FaultDiscovery}, Verdict: Retry,
			Meaning: "something other than Entra said where tokens are to be had", Remedy: "check for a captive portal or a proxy on the way, and AZURE_AUTHORITY_HOST"},
		{Name: "entra/malformed", Sources: entra, Faults: []Fault{FaultMalformed}, Verdict: Retry,
			Meaning: "something other than Entra answered", Remedy: "check for a proxy on the way"},
		{Name: "wrapped/probe", Sources: []Source{SourceWrapped}, Contains: []string{"managed identity timed out"}, Verdict: Retry,
			Meaning: "DefaultAzureCredential's probe of the metadata endpoint timed out", Remedy: "use New, which does not probe"},
		{Name: "unknown", Verdict: RetryOnce,
			Meaning: "the answer is not known to this package", Remedy: "see the answer"},
	}
}
