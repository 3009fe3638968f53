package cutover

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// removeByAddOn has ARM's podIdentityProfile lose an entry, and waits until the add-on has taken its objects away. The API server is
// never asked to delete them: the add-on would make them again. The AzureIdentity goes with its binding.
// https://learn.microsoft.com/azure/aks/use-azure-ad-pod-identity
func (u *unitRun) removeByAddOn(ctx context.Context, e *Edit) error {
	if e.Ref.Kind == podidentity.KindBinding {
		if u.r.opts.AddOn == nil {
			return held(HoldManual, "%s belongs to the AKS add-on: remove it with az aks pod-identity delete, then run again", e.Ref)
		}
		if err := u.r.opts.AddOn(ctx, u.unit.Cluster, e.Ref); err != nil {
			return err
		}
	}
	sel := Selection{APIVersion: e.Ref.APIVersion, Kind: e.Ref.Kind, Namespace: e.Ref.Namespace, Name: e.Ref.Name}
	err := watch(ctx, u.cluster, []Selection{sel}, minRollout, func(objs []*unstructured.Unstructured) (bool, error) {
		return find(objs, e.Ref) == nil, nil
	})
	if errors.Is(err, errWaited) {
		return held(HoldManual, "%s is still there %s after its entry left podIdentityProfile; look at the add-on, then run again", e.Ref, minRollout)
	}
	return err
}
