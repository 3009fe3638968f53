package render

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// component is one namespace of one cluster.
type component struct {
	cluster, namespace string
	missing            map[string]bool // service accounts that are not there
	accounts           map[string]catalog.Identity
	conflicts          map[string]bool
	workloads          map[catalog.WorkloadRef]string // to their service account
}

// templatePath is where a kind keeps the metadata of its pods; nil for kinds that are not known.
func templatePath(w catalog.WorkloadRef) []string {
	group, _, _ := strings.Cut(w.APIVersion, "/")
	switch group + " " + w.Kind {
	case "v1 Pod":
		return []string{}
	case "apps Deployment", "apps StatefulSet", "apps DaemonSet", "apps ReplicaSet", "batch Job", "v1 ReplicationController", "argoproj.io Rollout":
		return []string{"spec", "template"}
	case "batch CronJob":
		return []string{"spec", "jobTemplate", "spec", "template"}
	}
	return nil
}

// render writes the component: a file per object, so that a review is about one object at a time.
func (c *component) render(at string, files Files) error {
	if len(c.accounts) == 0 {
		return nil
	}
	title := "namespace " + c.namespace + " of cluster " + c.cluster
	var resources []string
	var patches []object
	put := func(name string, o object) error {
		text, err := documents(title, o)
		files[at+"/"+name] = text
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c.accounts)) {
		file := "serviceaccount-" + pathName(name) + ".yaml"
		if err := put(file, c.serviceAccount(name)); err != nil {
			return err
		}
		if c.missing[name] || name == "default" {
			resources = append(resources, file)
			continue
		}
		patches = append(patches, object{"path": file})
	}
	for _, w := range slices.SortedFunc(maps.Keys(c.workloads), compareRef) {
		file := pathName(strings.ToLower(w.Kind)+"-"+w.Name) + ".yaml"
		if _, taken := files[at+"/"+file]; taken { // one kind and name in two groups
			file = pathName(strings.ToLower(w.Kind)+"-"+w.Name+"."+w.APIVersion) + ".yaml"
		}
		if err := put(file, c.workload(w)); err != nil {
			return err
		}
		patches = append(patches, object{"path": file})
	}
	o := object{"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
	if len(resources) > 0 {
		o["resources"] = resources
	}
	if len(patches) > 0 {
		o["patches"] = patches
	}
	return put("kustomization.yaml", o)
}

func compareRef(a, b catalog.WorkloadRef) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.APIVersion, b.APIVersion))
}

func (c *component) serviceAccount(name string) object {
	id := c.accounts[name]
	annotations := object{workloadid.ClientIDAnnotation: id.ClientID}
	if id.TenantID != "" {
		annotations[workloadid.TenantIDAnnotation] = id.TenantID
	}
	return object{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": object{"name": name, "namespace": c.namespace, "annotations": annotations}}
}

func (c *component) workload(w catalog.WorkloadRef) object {
	o := object{"apiVersion": w.APIVersion, "kind": w.Kind, "metadata": object{"name": w.Name, "namespace": c.namespace}}
	at := o
	for _, step := range templatePath(w) {
		next, ok := at[step].(object)
		if !ok {
			next = object{}
			at[step] = next
		}
		at = next
	}
	meta, ok := at["metadata"].(object)
	if !ok {
		meta = object{}
		at["metadata"] = meta
	}
	meta["labels"] = object{workloadid.UseLabel: workloadid.UseValue}
	return o
}
