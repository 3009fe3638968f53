// Package seed fills live clusters with estates that were written down as manifests: the long tail of what a catalog finds.
package seed

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/catalog/catalogtest"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/objects"
)

// LongTail puts the estates of [catalogtest.Small], which hold every finding, into the fleet's clusters: each live cluster gets all of its
// region. MIC then leaves stale assignments alone, or it would tidy up what is to be found. It returns what the API servers refused,
// which is part of the picture: not all that lies in a repository can be applied.
func LongTail(ctx context.Context, f *fleet.Fleet) (refused []string, err error) {
	estate := catalogtest.Small()
	files := estate.Files()
	for _, c := range f.Clusters {
		if c.MIC != nil {
			c.MIC.LeaveStale(true)
		}
		for _, s := range estate.Snapshots {
			if s.Cluster.Region != c.Region {
				continue
			}
			folder, err := fs.Sub(files, s.Cluster.Name)
			if err != nil {
				return nil, fmt.Errorf("seed: %w", err)
			}
			no, err := Folder(ctx, c, folder)
			if err != nil {
				return nil, err
			}
			refused = append(refused, no...)
		}
	}
	return refused, nil
}

// Folder applies every YAML and JSON file of a folder to a cluster, namespaces and service accounts first, making permissive definitions
// of custom resources that the cluster does not know. Nodes, system namespaces and what a controller makes are left to the cluster.
func Folder(ctx context.Context, c *fleet.Cluster, folder fs.FS) (refused []string, err error) {
	var all []*unstructured.Unstructured
	err = fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)) {
			return err
		}
		b, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		objs, err := objects.Parse(b)
		all = append(all, objs...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("seed: %s: %w", c.Name, err)
	}
	all = slices.DeleteFunc(all, foreign)
	slices.SortStableFunc(all, func(a, b *unstructured.Unstructured) int { return cmp.Compare(rank(a), rank(b)) })
	for _, o := range all {
		strip(o)
		complete(o)
		err := apply(ctx, c, o)
		if apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsForbidden(err) {
			refused = append(refused, fmt.Sprintf("%s %s/%s: %v", o.GetKind(), o.GetNamespace(), o.GetName(), err))
		} else if err != nil {
			return refused, fmt.Errorf("seed: %s: %w", c.Name, err)
		}
	}
	return refused, nil
}

func apply(ctx context.Context, c *fleet.Cluster, o *unstructured.Unstructured) error {
	if err := define(ctx, c.Objects, o.GroupVersionKind()); err != nil {
		return err
	}
	if err := c.Objects.Put(ctx, o); err != nil {
		return err
	}
	if o.GetKind() != "Namespace" {
		return nil
	}
	return objects.Await(ctx, "the default service account of "+o.GetName(), func(ctx context.Context) (bool, error) {
		_, err := c.Client.CoreV1().ServiceAccounts(o.GetName()).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, err
	})
}

// foreign tells what the cluster itself brings.
func foreign(o *unstructured.Unstructured) bool {
	system := strings.HasPrefix(o.GetNamespace(), "kube-") || o.GetKind() == "Namespace" && strings.HasPrefix(o.GetName(), "kube-")
	return system || o.GetKind() == "Node" || len(o.GetOwnerReferences()) > 0
}

func rank(o *unstructured.Unstructured) int {
	switch o.GetKind() {
	case "Namespace":
		return 0
	case "ServiceAccount":
		return 1
	}
	return 2
}

// strip removes what an API server writes itself.
func strip(o *unstructured.Unstructured) {
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	if o.GetKind() == "Pod" {
		unstructured.RemoveNestedField(o.Object, "spec", "nodeName") // of a cluster that is not this one
		unstructured.RemoveNestedField(o.Object, "status")
	}
}

// complete adds what an API server insists on and a manifest of a test may leave out: Jobs say when to restart, CronJobs when to run.
func complete(o *unstructured.Unstructured) {
	template := []string{"spec", "template", "spec", "restartPolicy"}
	switch o.GetKind() {
	case "Job":
	case "CronJob":
		template = append([]string{"spec", "jobTemplate"}, template...)
		setDefault(o, "0 3 * * *", "spec", "schedule")
	default:
		return
	}
	setDefault(o, "OnFailure", template...)
}

func setDefault(o *unstructured.Unstructured, value string, path ...string) {
	if _, found, err := unstructured.NestedString(o.Object, path...); err == nil && !found {
		_ = unstructured.SetNestedField(o.Object, value, path...)
	}
}
