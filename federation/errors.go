package federation

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What a [Store] can be refused for. A [*StoreError] matches one of them with errors.Is.
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations#errors lists most of the answers.
var (
	// ErrConflict: another write to the same identity is under way. Retried.
	ErrConflict = errors.New("concurrent write to one identity")
	// ErrThrottled: too many requests. Retried, after RetryAfter where the service gave one.
	ErrThrottled = errors.New("throttled")
	// ErrUnavailable: the service failed, or no answer came; a write may or may not have happened. Observed again, then retried.
	ErrUnavailable = errors.New("service unavailable")
	// ErrParentNotFound: the identity does not exist, or does not yet: ARM says so for a while after one is created. Retried.
	ErrParentNotFound = errors.New("identity not found")
	// ErrLimit: the identity has all the credentials it may have.
	ErrLimit = errors.New("too many federated credentials")
	// ErrDuplicate: another credential of the identity has this issuer and subject.
	ErrDuplicate = errors.New("issuer and subject are trusted under another name")
	// ErrNameTaken: Microsoft Graph found another credential of this name.
	ErrNameTaken = errors.New("credential name is taken")
	// ErrUnsupportedRegion: identities of this region cannot hold federated credentials.
	ErrUnsupportedRegion = errors.New("region does not support federated credentials")
	// ErrForbidden: no permission, or a policy denies it.
	ErrForbidden = errors.New("forbidden")
	// ErrInvalid: the service refuses the content of the request.
	ErrInvalid = errors.New("invalid request")
)

// Operations of a Store, as StoreError.Op names them.
const (
	OpList   = "list"
	OpPut    = "put"
	OpDelete = "delete"
)

// StoreError is a refusal by the service behind a [Store], ARM or Microsoft Graph. A Store fills in what it was told; the meaning
// follows from Status, Code and Message, in one place for both services, and is matched with errors.Is against the sentinels above.
type StoreError struct {
	// Op is OpList, OpPut or OpDelete.
	Op string
	// Identity is what catalog.Identity.ID returns; Credential is the name, empty for a list.
	Identity, Credential string
	// Status is the HTTP status, 0 where no answer came: the request may or may not have been carried out, and Err says why. Code and
	// Message are those of the service's error body.
	Status        int
	Code, Message string
	// RetryAfter is the wait that the service asks for; zero where it asks for none.
	RetryAfter time.Duration
	// Err is the client's own error, such as an *azcore.ResponseError; it may be nil.
	Err error
}

// Error names the identity and the credential, what was said, and what to do.
func (e *StoreError) Error() string {
	object := e.Identity
	if e.Credential != "" {
		object += ": credential " + e.Credential
	}
	text := fmt.Sprintf("federation: %s %s: HTTP %d", e.Op, object, e.Status)
	if e.Status == 0 {
		text = fmt.Sprintf("federation: %s %s: no answer: %v", e.Op, object, e.Err)
	}
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if r := remedy(e.Reason()); r != "" {
		text += "; " + r
	}
	return text
}

// Unwrap returns the client's error.
func (e *StoreError) Unwrap() error { return e.Err }

// Is reports whether target is the sentinel that the answer stands for.
func (e *StoreError) Is(target error) bool { return target == e.Reason() }

// Reason returns the sentinel that the answer stands for; nil for an answer that stands for none.
func (e *StoreError) Reason() error {
	text := strings.ToLower(e.Message)
	switch e.Status {
	case http.StatusConflict:
		if e.Code == CodeGraphSameKey {
			return ErrNameTaken
		}
		return ErrConflict
	case http.StatusTooManyRequests:
		return ErrThrottled
	case http.StatusNotFound:
		return ErrParentNotFound
	case http.StatusMethodNotAllowed:
		return ErrUnsupportedRegion
	case http.StatusUnauthorized, http.StatusForbidden:
		return ErrForbidden
	case 0, http.StatusRequestTimeout:
		return ErrUnavailable
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		// ARM has one code for all of these: only the text tells them apart.
		if strings.Contains(text, "too many federated identity credentials") {
			return ErrLimit
		}
		if strings.Contains(text, "issuer and subject combination") || strings.Contains(text, "combination of issuer and subject") {
			return ErrDuplicate
		}
		return ErrInvalid
	}
	if e.Status >= http.StatusInternalServerError {
		return ErrUnavailable
	}
	return nil
}

// Codes that ARM and Microsoft Graph answer with.
const (
	CodeConcurrentWrites  = "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity"
	CodeParentNotFound    = "ParentResourceNotFound"
	CodeGraphSameKey      = "Request_MultipleObjectsWithSameKeyValue"
	CodeGraphInvalidValue = "InvalidFederatedIdentityCredentialValue"
)

// remedy says what to do about a refusal; empty where trying again is all.
func remedy(reason error) string {
	for _, r := range []struct {
		reason error
		text   string
	}{
		{ErrParentNotFound, "check that the identity exists and that the plan names it right"},
		{ErrLimit, "an identity holds 20: split it, prune what is dead, or use AKS identity bindings"},
		{ErrDuplicate, "plan again: the planner adopts the credential that has this pair"},
		{ErrNameTaken, "plan again: the planner picks a free name"},
		{ErrUnsupportedRegion, "use an identity of another region; it need not be the cluster's"},
		{ErrForbidden, "it takes Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/{read,write,delete}, or Application.ReadWrite.OwnedBy on an application, and no policy that denies it"},
	} {
		if errors.Is(reason, r.reason) {
			return r.text
		}
	}
	return ""
}
