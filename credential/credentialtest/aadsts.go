package credentialtest

import (
	"net/http"
	"slices"
)

// aadsts is one Entra error: https://learn.microsoft.com/entra/identity-platform/reference-error-codes.
// Codes and texts are meant for people and change; status and OAuth error of a
// code have changed over the years too.
type aadsts struct {
	status int
	oauth  string
	text   string // {name} is filled from the request
}

const (
	checkFIC = " Please check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
	oidcFail = "Request to External OIDC endpoint failed. {detail}"
	tryAgain = "A transient error has occurred. Please try again."
)

var aadstsCodes = map[int]aadsts{
	// No trust, or not yet: https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
	70021:   {400, "invalid_request", "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. Assertion Subject: '{subject}'. Assertion Audience: '{audience}'."},
	70025:   {401, "invalid_client", "The client application '{client}' has no configured federated identity credentials."},
	700211:  {401, "invalid_client", "No matching federated identity record found for presented assertion issuer '{issuer}'." + checkFIC},
	700212:  {401, "invalid_client", "No matching federated identity record found for presented assertion audience '{audience}'." + checkFIC},
	700213:  {401, "invalid_client", "No matching federated identity record found for presented assertion subject '{subject}'." + checkFIC},
	7002131: {401, "invalid_client", "No matching federated identity record found for presented assertion subject '{subject}': the flexible federated identity credential expression did not match."},
	7002137: {401, "invalid_client", "No matching federated identity record found for presented assertion subject '{subject}'. Please make sure the federated identity credential Subject is '/eid1/c/pub/t/{tenant}/a/{client}'."},
	7002138: {401, "invalid_client", "No matching federated identity record found for presented assertion {detail}. The value matches only when letter case is ignored; matching is case-sensitive." + checkFIC},

	// The assertion itself.
	50027:   {400, "invalid_client", "JWT token is invalid or malformed."},
	70023:   {400, "invalid_request", "The external token's lifetime {detail} exceeds the allowed limit of 1.01:00:00."},
	700024:  {401, "invalid_client", "Client assertion is not within its valid time range. Current time: {now}, {detail}. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials."},
	700027:  {401, "invalid_client", "Client assertion failed signature validation. {detail}"},
	7000215: {401, "invalid_client", "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID."},
	7000218: {401, "invalid_client", "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."},
	7000272: {401, "invalid_client", "The certificate with identifier '{kid}' used to sign the federated credential could not be found in the metadata of identity provider '{issuer}'. Please validate that your Identity Provider's metadata exposes the key used to sign the incoming token."},

	// Reading the issuer's metadata.
	50166:  {400, "invalid_request", oidcFail},
	501661: {400, "invalid_request", oidcFail},
	90061:  {400, "invalid_request", oidcFail},

	// Configuration and policy.
	50146:   {400, "invalid_request", "This application is required to be configured with an application-specific signing key."},
	500011:  {400, "invalid_resource", "The resource principal named {resource} was not found in the tenant named {tenant}."},
	50001:   {400, "invalid_resource", "The resource {resource} was not found in the tenant named {tenant}."},
	70001:   {400, "unauthorized_client", "The application '{client}' is disabled."},
	70002:   {400, "invalid_request", "The request is missing a required parameter or is malformed. {detail}"},
	70003:   {400, "unsupported_grant_type", "The app requested an unsupported grant type '{detail}'."},
	70052:   {400, "invalid_request", "The identity must be a managed identity, single tenant app, or service account."},
	70011:   {400, "invalid_scope", "The provided value for the input parameter 'scope' is not valid. The scope {resource} is not valid."},
	700016:  {400, "unauthorized_client", "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."},
	7000112: {401, "unauthorized_client", "Application '{client}' is disabled."},
	700222:  {400, "invalid_request", "AAD-issued tokens may not be used for federated identity flows."},
	700223:  {400, "invalid_request", "App credential usage is restricted by policy: federated identity is not allowed for this application."},
	700229:  {400, "invalid_request", "Only app tokens can be used as federated identity credentials for AAD issuer."},
	700238:  {400, "invalid_request", "Federated identity credential from issuer '{issuer}' is blocked by policy."},
	900382:  {400, "invalid_request", "Confidential client is not supported in cross cloud request."},
	90002:   {400, "invalid_request", "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."},

	// Weather.
	50196: {400, "invalid_grant", "The server terminated an operation because it encountered a loop while processing a request."},
	90006: {503, "temporarily_unavailable", tryAgain},
	90012: {504, "temporarily_unavailable", "The request has timed out. Please try again."},
	90024: {503, "temporarily_unavailable", tryAgain},
	90033: {503, "temporarily_unavailable", tryAgain},
	90055: {429, "temporarily_unavailable", "The request was throttled: there are too many requests from tenant '{tenant}'. Please try again."},
	90090: {500, "server_error", tryAgain},
}

// lookup returns the entry of a code; one that is not in the table is a plain 400.
func lookup(code int) aadsts {
	if e, ok := aadstsCodes[code]; ok {
		return e
	}
	return aadsts{http.StatusBadRequest, "invalid_request", "The request was refused."}
}

// Codes returns the AADSTS codes that [Answer] knows the text of, in order.
func Codes() []int {
	var all []int
	for code := range aadstsCodes {
		all = append(all, code)
	}
	slices.Sort(all)
	return all
}
