// Package aks reads what Azure Resource Manager knows of AKS clusters, as sources of a catalog: their issuers, the Pod Identity add-on
// with its identities, exceptions and failures, and the user-assigned identities that exist. It needs no access to the clusters
// themselves; [catalog.Join] lays it over a source that has some. [PodIdentities] is the one thing that changes ARM: it takes an entry out of
// the add-on's profile, at the end of a cutover.
//
// The Pod Identity add-on is a preview feature that newer API versions may drop; the API version is the one that the SDK pins
// (https://learn.microsoft.com/azure/aks/use-azure-ad-pod-identity).
package aks
