// Package graphfic is a [federation.Store] over Microsoft Graph v1.0: the federated identity credentials of app registrations, which
// AAD Pod Identity used as service principals (AzureIdentity types 1 and 2).
//
// It speaks Graph through an azcore pipeline, so transports, tracing, logging, national clouds and credentials are those of the Azure
// SDK. Applications are addressed by their client ID:
//
//	GET    /v1.0/applications(appId='…')/federatedIdentityCredentials, following @odata.nextLink
//	PATCH  /v1.0/applications(appId='…')/federatedIdentityCredentials(name='…') with Prefer: create-if-missing
//	DELETE /v1.0/applications(appId='…')/federatedIdentityCredentials/{name}
//
// The PATCH creates or updates in one request, and leaves a description that a person wrote. Like armfic it neither retries nor
// paces; [federation.Apply] does. It takes Application.ReadWrite.OwnedBy for the applications that the caller owns.
package graphfic
