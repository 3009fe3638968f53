package federation

import (
	"errors"
	"fmt"
)

// Why Apply refuses or gives up, besides what a Store is refused for.
var (
	// ErrStale: the credentials of an identity are not what the plan was made from, and the plan itself did not make them so. Plan again.
	ErrStale = errors.New("the identity has changed since the plan was made: plan again")
	// ErrBlocked: the plan breaks a limit on this identity; its findings say which.
	ErrBlocked = errors.New("the plan is blocked for this identity: see its findings")
	// ErrUsed: a saved plan has been applied before.
	ErrUsed = errors.New("the plan has been applied already: plan again")
	// ErrNotVisible: the service took a write and does not show it.
	ErrNotVisible = errors.New("written, but reading it back does not show it")
)

// ChangeError is one change that could not be made.
type ChangeError struct {
	Change Change
	// Attempts is how often it was tried.
	Attempts int
	Err      error
}

// Error names the change and why it failed.
func (e *ChangeError) Error() string {
	return fmt.Sprintf("federation: %s credential %s of %s for %s/%s/%s, after %d attempts: %v", e.Change.Action, e.Change.Credential.Name,
		e.Change.Identity, e.Change.Cluster, e.Change.Namespace, e.Change.ServiceAccount, e.Attempts, e.Err)
}

// Unwrap returns the last attempt's error.
func (e *ChangeError) Unwrap() error { return e.Err }

// IdentityError is an identity of which nothing could be read or written.
type IdentityError struct {
	Identity string
	Err      error
}

// Error names the identity and what is wrong.
func (e *IdentityError) Error() string {
	return fmt.Sprintf("federation: identity %s: %v", e.Identity, e.Err)
}

// Unwrap returns what is wrong.
func (e *IdentityError) Unwrap() error { return e.Err }
