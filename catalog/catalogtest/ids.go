package catalogtest

import (
	"crypto/sha256"
	"fmt"
)

// Tenant is the tenant of every issuer.
const Tenant = "72f988bf-0000-4000-8000-2d7cd011db47"

// Subscription holds every identity and cluster.
const Subscription = "00000000-0000-4000-8000-000000000001"

// GUID makes a GUID of a name, always the same one.
func GUID(name string) string {
	h := sha256.Sum256([]byte(name))
	return fmt.Sprintf("%x-%x-4%03x-8%03x-%x", h[:4], h[4:6], uint16(h[6])<<4&0xfff, uint16(h[7])<<4&0xfff, h[8:14])
}

// ClientID is the client ID of the identity of that name.
func ClientID(identity string) string { return GUID("client/" + identity) }

// ResourceID is the ARM resource ID of the identity of that name.
func ResourceID(identity string) string {
	return "/subscriptions/" + Subscription + "/resourceGroups/identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + identity
}

// ClusterID is the ARM resource ID of the cluster of that name.
func ClusterID(cluster string) string {
	return "/subscriptions/" + Subscription + "/resourceGroups/clusters/providers/Microsoft.ContainerService/managedClusters/" + cluster
}

// Issuer is the OIDC issuer of a cluster, in the form that AKS gives it, with its slash at the end.
func Issuer(cluster, region string) string {
	return "https://" + region + ".oic.prod-aks.azure.com/" + Tenant + "/" + GUID("issuer/"+cluster) + "/"
}
