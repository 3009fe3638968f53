package cutover

import (
	"context"
	"encoding/json"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Manager is the field manager of every write, and the owner marker of everything the package leaves behind. It must not begin with
// "kubectl" or "before-first-apply": Flux strips the fields of such managers.
const Manager = "wimigrate"

// Reader reads a cluster, proves what it would admit, and mints tokens; it changes nothing. It is what a [Gate] holds.
//
// Errors are those of the API server (k8s.io/apimachinery/pkg/api/errors classifies them). Objects returned are the caller's own.
// All methods are safe for concurrent use.
type Reader interface {
	// Get reads one object from the server's current state.
	Get(ctx context.Context, ref Ref) (*unstructured.Unstructured, error)
	// List reads the objects of a selection, sorted by namespace and name.
	List(ctx context.Context, sel Selection) ([]*unstructured.Unstructured, error)
	// Watch calls fn, one call at a time, for every object that is there, then once with Synced, then for every change, until fn
	// returns false (then the error is nil) or ctx ends (then it is ctx's). After a lost connection it goes on by itself: fn gets Gap
	// when changes may have been missed, everything that is there once more, and Synced again.
	Watch(ctx context.Context, sels []Selection, fn func(WatchEvent) bool) error
	// DryRun sends a write that is admitted, mutated and validated but not stored, and returns what would have been.
	DryRun(ctx context.Context, w Write) (*unstructured.Unstructured, error)
	// Token mints a service account token.
	Token(ctx context.Context, r TokenRequest) (string, error)
}

// Cluster is a cluster that can be changed. Every change of this package goes through Write, so a test can place a crash before and
// after each. Implementations: [NewCluster] for real ones, cutovertest.Cluster in memory.
type Cluster interface {
	Reader
	// Write makes one change. An error that is not an API status leaves open whether the change was made.
	Write(ctx context.Context, w Write) (*unstructured.Unstructured, error)
}

// Verb says how a write is made.
type Verb string

const (
	// Apply is a server-side apply by [Manager], never forced. Body holds the fields.
	Apply Verb = "apply"
	// Patch is a JSON Patch (RFC 6902). Body holds its operations.
	Patch Verb = "patch"
	// Create makes a new object. Body is it.
	Create Verb = "create"
	// Delete removes an object, and what it owns after it.
	Delete Verb = "delete"
	// Evict asks for the eviction of a pod, which a PodDisruptionBudget may refuse (429).
	Evict Verb = "evict"
)

// Write is one change as it is sent.
type Write struct {
	Verb Verb
	// Ref names the object; a UID is a precondition.
	Ref Ref
	// Subresource is the part of the object that a patch changes: "scale", or "" for the object itself.
	Subresource string
	// ResourceVersion is a precondition where set.
	ResourceVersion string
	// Body is the object or the patch, without the preconditions: implementations add those.
	Body json.RawMessage
}

// TokenRequest asks for a token of a service account, as the kubelet would.
type TokenRequest struct {
	Namespace      string
	ServiceAccount string
	Audience       string
	// Pod binds the token to a pod where set: its name and UID.
	Pod Ref
}

// WatchEvent is one change that a watch saw.
type WatchEvent struct {
	Type   WatchType
	Object *unstructured.Unstructured // nil for Synced and Gap
}

// WatchType says what happened to the object.
type WatchType string

const (
	// Present is an object that was there when the watch began, was added or was modified.
	Present WatchType = "present"
	// Gone is an object that was deleted; Object is its last known state.
	Gone WatchType = "gone"
	// Synced follows the last of the objects that were there at first.
	Synced WatchType = "synced"
	// Gap says that changes may have been missed; everything that is there follows, then Synced.
	Gap WatchType = "gap"
)
