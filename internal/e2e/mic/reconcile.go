package mic

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// parallel bounds the writes under way.
const parallel = 8

// reconcile takes one step towards what the bindings want, and says whether more steps wait for time to pass.
func (c *Controller) reconcile(ctx context.Context) (pending bool, err error) {
	want, err := c.desired()
	if err != nil {
		return false, err
	}
	have, err := c.existing()
	if err != nil {
		return false, err
	}
	var g errgroup.Group
	g.SetLimit(parallel)
	for name, w := range want {
		if h, ok := have[name]; ok && text(h, "status", "status") == podidentity.StatusAssigned {
			continue
		}
		h, due := have[name], c.due(name, have[name] != nil)
		pending = pending || !due || h == nil
		if due {
			g.Go(func() error { return c.advance(ctx, w, h) })
		}
	}
	for name, h := range have {
		if _, ok := want[name]; !ok && !c.stuck.Load() {
			g.Go(func() error { return c.release(ctx, h, have) })
		}
	}
	err = g.Wait()
	c.forget(want)
	return pending, err
}

// due says whether an assignment's next step may happen: the object at once, its status after the delay.
func (c *Controller) due(name string, created bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, known := c.seen[name]
	if !known {
		first = time.Now()
		c.seen[name] = first
	}
	return !created || time.Since(first) >= c.cfg.AssignDelay
}

func (c *Controller) forget(want map[string]assignment) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range c.seen {
		if _, ok := want[name]; !ok {
			delete(c.seen, name)
		}
	}
}

// advance creates the object, or attaches the identity and says so. An identity that Azure does not know stays Created.
func (c *Controller) advance(ctx context.Context, w assignment, have *unstructured.Unstructured) error {
	r := c.cfg.Client.Resource(assigned).Namespace(w.namespace)
	if have == nil {
		_, err := r.Create(ctx, w.object(), metav1.CreateOptions{FieldManager: manager})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	}
	id, err := c.cfg.Identity(ctx, text(w.identity, "spec", "clientID"))
	if err != nil {
		return err
	}
	if err := c.cfg.Machines.Attach(w.pod.Spec.NodeName, id); err != nil {
		return err
	}
	changed := have.DeepCopy()
	if err := unstructured.SetNestedField(changed.Object, podidentity.StatusAssigned, "status", "status"); err != nil {
		return err
	}
	_, err = r.Update(ctx, changed, metav1.UpdateOptions{FieldManager: manager})
	return err
}

// manager is MIC's field manager.
const manager = "mic"

// release deletes an assignment nobody wants, finalizer first, and detaches the identity when it was the node's last use of it.
func (c *Controller) release(ctx context.Context, gone *unstructured.Unstructured, have map[string]*unstructured.Unstructured) error {
	r := c.cfg.Client.Resource(assigned).Namespace(gone.GetNamespace())
	if len(gone.GetFinalizers()) > 0 {
		bare := gone.DeepCopy()
		bare.SetFinalizers(nil)
		if _, err := r.Update(ctx, bare, metav1.UpdateOptions{FieldManager: manager}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	uid := gone.GetUID()
	err := r.Delete(ctx, gone.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return err
	}
	node, client := text(gone, "spec", "nodename"), text(gone, "spec", "azureIdentityRef", "spec", "clientID")
	for _, h := range have {
		if h.GetUID() != gone.GetUID() && text(h, "spec", "nodename") == node && text(h, "spec", "azureIdentityRef", "spec", "clientID") == client {
			return nil
		}
	}
	c.cfg.Machines.Detach(node, client)
	return nil
}

// existing lists the assignments by name.
func (c *Controller) existing() (map[string]*unstructured.Unstructured, error) {
	objs, err := c.cfg.Custom.ForResource(assigned).Lister().List(labels.Everything())
	have := map[string]*unstructured.Unstructured{}
	for _, o := range objs {
		u, ok := o.(*unstructured.Unstructured)
		if !ok {
			return nil, errors.New("the informer holds something else")
		}
		have[u.GetName()] = u
	}
	return have, err
}
