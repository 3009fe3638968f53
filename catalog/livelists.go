package catalog

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// encoding is how a list is asked for.
type encoding int

const (
	asJSON     encoding = iota // custom resources
	asProtobuf                 // whole objects of built-in kinds
	asMetadata                 // metadata alone, as protobuf
)

// liveList is one list of one resource.
type liveList struct {
	group, version, resource string
	kind                     string
	encoding                 encoding
	selector                 string // of labels
}

// name is how kubectl and RBAC call the resource.
func (l *liveList) name() string {
	if l.group == "" {
		return l.resource
	}
	return l.resource + "." + l.group
}

func (l *liveList) apiVersion() string {
	return schema.GroupVersion{Group: l.group, Version: l.version}.String()
}

// served is what a cluster serves.
type served struct {
	resources []metav1.APIResource // with Group and Version set, one version of each
	failed    map[string]string    // groups that did not say what they serve
}

// discover asks what the cluster serves: a custom resource that it does not know is empty, not unread.
func discover(ctx context.Context, d discovery.DiscoveryInterfaceWithContext) (served, error) {
	out := served{failed: map[string]string{}}
	var groups []*metav1.APIGroup
	var lists []*metav1.APIResourceList
	var failed *discovery.ErrGroupDiscoveryFailed
	partial := false
	err := retry(ctx, answers, func() (err error) {
		groups, lists, err = d.ServerGroupsAndResourcesWithContext(ctx)
		if failed, partial = errors.AsType[*discovery.ErrGroupDiscoveryFailed](err); partial {
			return nil
		}
		return err
	})
	if err != nil {
		return out, err
	}
	if partial {
		for gv, err := range failed.Groups {
			if relevantGroup(gv.Group) {
				out.failed["*."+gv.Group] = "discovery failed: " + shown(err.Error())
			}
		}
	}
	preferred := map[string]string{}
	for _, g := range groups {
		preferred[g.Name] = g.PreferredVersion.GroupVersion
	}
	have := map[schema.GroupResource]string{}
	for _, pass := range []bool{true, false} { // the preferred version of each group first
		for _, list := range lists {
			gv, err := schema.ParseGroupVersion(list.GroupVersion)
			if err != nil || (preferred[gv.Group] == list.GroupVersion) != pass {
				continue
			}
			for _, res := range list.APIResources {
				res.Group, res.Version = gv.Group, gv.Version
				gr := schema.GroupResource{Group: gv.Group, Resource: res.Name}
				if version, twice := have[gr]; twice && version != gv.Version || !slices.Contains(res.Verbs, "list") {
					continue
				}
				have[gr] = gv.Version
				out.resources = append(out.resources, res)
			}
		}
	}
	return out, nil
}

// relevantGroup reports whether a group holds kinds that plannedLists asks for.
func relevantGroup(group string) bool {
	switch group {
	case "", "apps", "batch", podidentity.Group, "secrets-store.csi.x-k8s.io", "keda.sh", "argoproj.io", "serving.knative.dev", "tekton.dev",
		"sparkoperator.k8s.io", "flink.apache.org":
		return true
	}
	return false
}

// plannedLists are the lists that are read of every cluster, as far as it serves them. AzureAssignedIdentities embed two whole
// objects each and are asked for last.
func plannedLists(s served, heuristics bool) []liveList {
	var first, last []liveList
	for _, res := range s.resources {
		l := liveList{group: res.Group, version: res.Version, resource: res.Name, kind: res.Kind}
		switch res.Group {
		case "", "apps", "batch":
			first = append(first, builtInLists(l)...)
			continue
		case podidentity.Group:
			if res.Kind == podidentity.KindAssigned {
				last = append(last, l)
				continue
			}
		}
		if wantedCustom(l) || heuristics && res.Namespaced && strings.Contains(res.Group, ".") && !strings.Contains(res.Name, "/") && !builtInGroup(res.Group) {
			first = append(first, l)
		}
	}
	slices.SortStableFunc(first, func(a, b liveList) int { return strings.Compare(a.name(), b.name()) })
	return append(first, last...)
}

func builtInGroup(group string) bool {
	return strings.HasSuffix(group, ".k8s.io") && strings.Count(group, ".") == 2 && group != podidentity.Group
}

func wantedCustom(l liveList) bool {
	switch l.kind {
	case podidentity.KindIdentity, podidentity.KindBinding, podidentity.KindException:
		return l.group == podidentity.Group
	case "SecretProviderClass":
		return l.group == "secrets-store.csi.x-k8s.io"
	case "TriggerAuthentication", "ClusterTriggerAuthentication":
		return l.group == "keda.sh"
	}
	return customRule(l.group, l.kind) != nil && !strings.Contains(l.resource, "/")
}

func builtInLists(l liveList) []liveList {
	switch l.name() {
	case "pods":
		old, other := l, l
		old.encoding, other.encoding = asProtobuf, asProtobuf
		old.selector, other.selector = podidentity.Label, workloadid.UseLabel+",!"+podidentity.Label
		return []liveList{old, other}
	case "replicationcontrollers", "deployments.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch", "cronjobs.batch":
		l.encoding = asProtobuf
		return []liveList{l}
	case "serviceaccounts", "namespaces", "nodes", "replicasets.apps":
		l.encoding = asMetadata
		return []liveList{l}
	}
	return nil
}

// secondLists are the lists that the first ones made necessary: pods that an exception excepts and that carry neither label, and
// ReplicaSets in whole where one stands alone, for its template is then no other's.
func (r *liveRead) secondLists(s served) []liveList {
	var lists []liveList
	values := map[string]map[string]bool{}
	for _, e := range r.collector.snap.Exceptions {
		for k, v := range e.PodLabels {
			if validLabelValue(v) && k != podidentity.Label && k != workloadid.UseLabel && !shippedException(e) {
				if values[k] == nil {
					values[k] = map[string]bool{}
				}
				values[k][v] = true
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		in := strings.Join(slices.Sorted(maps.Keys(values[k])), ",")
		lists = append(lists, liveList{version: "v1", resource: "pods", kind: "Pod", encoding: asProtobuf,
			selector: k + " in (" + in + "),!" + podidentity.Label + ",!" + workloadid.UseLabel})
	}
	if slices.ContainsFunc(r.collector.waiting, func(w Workload) bool { return w.Kind == "ReplicaSet" && w.Owner == nil }) {
		for _, res := range s.resources {
			if res.Group == "apps" && res.Name == "replicasets" {
				lists = append(lists, liveList{group: "apps", version: res.Version, resource: res.Name, kind: res.Kind, encoding: asProtobuf})
			}
		}
	}
	return lists
}

// shippedException reports whether an exception is one that the AKS add-on or MIC bring for themselves.
func shippedException(e Exception) bool {
	return e.Namespace == "kube-system" && e.Name == addOnException || e.Name == "mic-exception"
}
