package cutover

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// RemoveOptions say what [Remove] may do. The zero value may do nothing.
type RemoveOptions struct {
	// Approve is the digest of the removal that was reviewed. Anything else is refused.
	Approve string
	// Save keeps the object as it was, before it is deleted: the only way back. Required; an error of it stops the removal.
	Save func(ctx context.Context, before *unstructured.Unstructured) error
	// MICPatience is how long MIC gets to drop the last AzureAssignedIdentity; default: 10 minutes.
	MICPatience time.Duration
}

// ErrNotApproved says that a removal was not approved as it is.
var ErrNotApproved = errors.New("cutover: the removal is not approved: pass the digest of the one that was reviewed, and a function that saves what is deleted")

// Remove deletes what a reviewed [Removal] lists, and returns what it has deleted, also beside an error. Before the first deletion, and
// again before MIC and NMI go, it looks whether something needs Pod Identity after all (*StillNeededError). Each deletion is of the
// object that was reviewed, by UID and resource version: one that has changed since stops the removal. What is gone already is
// skipped, so a removal that was interrupted can be run again. AzureAssignedIdentities are left to MIC, which is deleted only after
// the last of them is gone: without it their finalizers would keep them for ever.
func Remove(ctx context.Context, c Cluster, r *Removal, opts *RemoveOptions) ([]Ref, error) {
	if opts == nil || opts.Save == nil || opts.Approve != r.sum() {
		return nil, ErrNotApproved
	}
	if err := unneeded(ctx, c, r.Cluster); err != nil {
		return nil, err
	}
	patience := opts.MICPatience
	number(&patience, minRollout)
	var done []Ref
	components := false
	for _, d := range r.Deletions {
		if component := d.Role == RoleMIC || d.Role == RoleNMI; component && !components {
			components = true
			if err := waitForMIC(ctx, c, r.Cluster, patience); err != nil {
				return done, err
			}
		}
		deleted, err := removeOne(ctx, c, d, opts.Save)
		if err != nil {
			return done, fmt.Errorf("cutover: remove %s in namespace %s of %s: %w", d.Object, d.Object.Namespace, r.Cluster, err)
		}
		if deleted {
			done = append(done, d.Object)
		}
	}
	return done, nil
}

// unneeded looks once more whether anything needs Pod Identity.
func unneeded(ctx context.Context, c Reader, cluster string) error {
	left, err := FindLeftovers(ctx, c, cluster, nil)
	if err != nil {
		return err
	}
	_, err = left.Removal()
	return err
}

// waitForMIC waits until no AzureAssignedIdentity is left.
func waitForMIC(ctx context.Context, c Reader, cluster string, patience time.Duration) error {
	sels := []Selection{{APIVersion: podidentity.GroupVersion, Kind: podidentity.KindAssigned}}
	err := watch(ctx, c, sels, patience, func(objs []*unstructured.Unstructured) (bool, error) { return len(objs) == 0, nil })
	switch {
	case errors.Is(err, errWaited):
		return fmt.Errorf("cutover: AzureAssignedIdentities are left in %s after %s: MIC is slow or stuck; do not strip their finalizers while it runs",
			cluster, patience)
	case err != nil && !apierrors.IsNotFound(err):
		return err
	}
	return unneeded(ctx, c, cluster)
}

// removeOne saves and deletes one object, if it is still the one that was reviewed. It reports whether there was something to delete.
func removeOne(ctx context.Context, c Cluster, d Leftover, save func(context.Context, *unstructured.Unstructured) error) (bool, error) {
	live, err := get(ctx, c, d.Object)
	switch {
	case err != nil:
		return false, err
	case live == nil:
		return false, nil
	case string(live.GetUID()) != d.Object.UID || d.Role != RoleNMI && d.Role != RoleMIC && live.GetResourceVersion() != d.ResourceVersion:
		return false, errors.New("it has changed since it was reviewed; look again")
	}
	if err := save(ctx, live.DeepCopy()); err != nil {
		return false, fmt.Errorf("it was not saved, and so not deleted: %w", err)
	}
	// The status of a running component changes all the time: there, the version just read guards the deletion, and the UID.
	err = repeat(ctx, func() error {
		_, err := c.Write(ctx, Write{Verb: Delete, Ref: d.Object, ResourceVersion: live.GetResourceVersion()})
		return err
	})
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	return err == nil, err
}
