package fleet

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/objects"
	"github.com/wimigrate/wimigrate/internal/e2e/webhook"
)

const tenantID = azure.TenantID

// oldManifests are NMI's DaemonSet and MIC's Deployment as objects: kwok plays their pods, our doubles act for them.
//
//go:embed oldworld.yaml
var oldManifests []byte

// newManifests are the webhook's objects other than its registration.
//
//go:embed newworld.yaml
var newManifests []byte

// populate puts nodes and system objects into an empty cluster and waits until they are up.
func (c *Cluster) populate(ctx context.Context, spec ClusterSpec) error {
	if err := c.awaitDefaultAccount(ctx, metav1.NamespaceDefault); err != nil {
		return err
	}
	if c.NMI != nil {
		if err := c.applyOldWorld(ctx); err != nil {
			return err
		}
	}
	if c.Webhook != nil {
		if err := c.Objects.ApplyYAML(ctx, newManifests); err != nil {
			return err
		}
		if err := c.Webhook.Register(ctx, webhook.Registration{}); err != nil {
			return err
		}
	}
	return c.AddNodes(ctx, spec.Nodes)
}

// applyOldWorld applies NMI and MIC; managed mode has its own flag and no MIC.
func (c *Cluster) applyOldWorld(ctx context.Context) error {
	manifests := oldManifests
	if c.MIC == nil {
		manifests = bytes.ReplaceAll(manifests, []byte("--operation-mode=standard"), []byte("--operation-mode=managed"))
	}
	objs, err := objects.Parse(manifests)
	if err != nil {
		return err
	}
	objs = slices.DeleteFunc(objs, func(o *unstructured.Unstructured) bool { return c.MIC == nil && o.GetName() == "mic" })
	return c.Objects.Apply(ctx, objs...)
}

// AddNodes adds nodes and returns when they are Ready, which says nothing of NMI: see AwaitNMI.
func (c *Cluster) AddNodes(ctx context.Context, n int) error {
	names, err := c.Nodes.Add(ctx, n)
	if err != nil {
		return err
	}
	return objects.Await(ctx, fmt.Sprintf("%d nodes of %s to be ready", n, c.Name), func(ctx context.Context) (bool, error) {
		for _, name := range names {
			node, err := c.Client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
			if err != nil || !ready(node) {
				return false, err
			}
		}
		return true, nil
	})
}

// AwaitNMI returns when NMI answers on every node, or at once when it cannot on one.
func (c *Cluster) AwaitNMI(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	return objects.Await(ctx, "NMI on every node of "+c.Name, func(context.Context) (bool, error) {
		if err := c.NMI.Err(); err != nil {
			cancel(errNoNMI)
			return false, err
		}
		for _, name := range c.Nodes.Names() {
			n, err := c.NMI.Node(name)
			if err != nil || !n.Running() {
				return false, err
			}
		}
		return true, nil
	})
}

var errNoNMI = errors.New("on some it cannot be")

func ready(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// awaitDefaultAccount waits for a namespace's default service account, without which no pod can be created in it.
func (c *Cluster) awaitDefaultAccount(ctx context.Context, namespace string) error {
	return objects.Await(ctx, "the default service account of "+namespace, func(ctx context.Context) (bool, error) {
		_, err := c.Client.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
}

// Identity makes a user-assigned managed identity in Azure, or returns the one of that name.
func (f *Fleet) Identity(resourceGroup, name string) catalog.Identity {
	return f.Azure.Ensure(resourceGroup, name, "eastus")
}
