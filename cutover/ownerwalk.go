package cutover

import (
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// mostOwners bounds a chain of owners: Knative's has five links from a pod to its Service.
const mostOwners = 10

// indirect reports whether others may stand between objects of a kind and their pods than a ReplicaSet or a Job.
func indirect(kind string) bool {
	switch kind {
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "Rollout", "ScaledJob":
		return false
	}
	return true
}

// ownerWalk goes from owner to owner, whatever their kinds are, and remembers whose they were.
type ownerWalk struct {
	r     Reader
	leads map[types.UID]bool
}

// leadsTo reports whether a chain of controllers, each found by its UID, ends at the workload. An owner that cannot be read is an error: the
// pod might be the workload's.
func (o *ownerWalk) leadsTo(ctx context.Context, owner *metav1.OwnerReference, w Workload) (bool, error) {
	var way []types.UID
	for range mostOwners {
		found, known := o.leads[owner.UID]
		if !known {
			found = isOwner(owner, w)
		}
		if known || found {
			return o.remember(append(way, owner.UID), found), nil
		}
		way = append(way, owner.UID)
		ref := Ref{APIVersion: owner.APIVersion, Kind: owner.Kind, Namespace: w.Namespace, Name: owner.Name}
		live, err := get(ctx, o.r, ref)
		if err != nil {
			return false, fmt.Errorf("what owns %s cannot be read: %w", ref, err)
		}
		if live == nil || live.GetUID() != owner.UID {
			return o.remember(way, false), nil
		}
		if owner = metav1.GetControllerOf(live); owner == nil {
			return o.remember(way, false), nil
		}
	}
	return o.remember(way, false), nil
}

func (o *ownerWalk) remember(way []types.UID, found bool) bool {
	if o.leads == nil {
		o.leads = map[types.UID]bool{}
	}
	for _, uid := range way {
		o.leads[uid] = found
	}
	return found
}

// walkOrphans finds the workloads of new pods whose owners stand in no list: those of custom kinds.
func (s *loadSight) walkOrphans(ctx context.Context) error {
	for _, y := range s.tallies {
		if !indirect(y.w.Kind) {
			continue
		}
		walk := s.walks[y]
		if walk == nil {
			walk = &ownerWalk{r: s.target.Cluster}
			s.walks[y] = walk
		}
		for _, b := range s.orphansOf(y.w.ServiceAccount) {
			owner := metav1.GetControllerOf(b.pod)
			found, err := walk.leadsTo(ctx, owner, y.w)
			if err != nil {
				return fmt.Errorf("whose %s is, is unknown: %w", podObject(b.pod), err)
			}
			if found {
				s.own(owner.UID, y)
			}
		}
	}
	return nil
}

// orphansOf are the new pods of unknown owners that run as a service account, by name.
func (s *loadSight) orphansOf(account string) []*birth {
	var out []*birth
	for _, b := range s.orphans {
		if b.pod.Spec.ServiceAccountName == account {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b *birth) int { return strings.Compare(a.pod.Name, b.pod.Name) })
	return out
}
