// Package armfic is a [federation.Store] over Azure Resource Manager: the federated identity credentials of user-assigned managed
// identities, through armmsi.
//
//	cred, err := azidentity.NewDefaultAzureCredential(nil)
//	…
//	store, err := armfic.NewStore(cred, nil)
//	…
//	report, err := federation.Apply(ctx, store, plan, nil)
//
// The store writes one credential per call and returns every refusal as a [*federation.StoreError] with ARM's status, code, message
// and Retry-After. It neither retries nor paces nor serialises: [federation.Apply] does, because only Apply knows which writes go to
// one identity, and retries of two layers multiply.
//
// Reading takes Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read, applying takes write and delete
// as well.
package armfic
