package catalog

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/wimigrate/wimigrate/internal/manifest"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
)

// start runs an informer for each list, and returns how to wait for their end once the context has ended.
func (w *watch) start(ctx context.Context, clients *WatchClients, lists []liveList) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	for _, l := range lists {
		w.lists[l.key()] = &watchedList{name: l.name(), parts: map[string]*collector{}}
	}
	for _, l := range lists {
		informer, err := newInformer(clients, l)
		if err == nil {
			err = w.listen(l, informer)
		}
		if err != nil {
			w.state(l.key(), shown(err.Error()))
			continue
		}
		w.mu.Lock()
		w.lists[l.key()].version = informer.LastSyncResourceVersion
		w.mu.Unlock()
		running.Go(func() { informer.RunWithContext(ctx) })
		running.Go(func() {
			if cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
				w.state(l.key(), "")
			}
		})
	}
	return func() {
		cancel()
		running.Wait()
	}
}

func (l *liveList) key() string { return l.name() + " " + l.selector }

func newInformer(clients *WatchClients, l liveList) (cache.SharedIndexInformer, error) {
	gvr := schema.GroupVersionResource{Group: l.group, Version: l.version, Resource: l.resource}
	tweak := func(o *metav1.ListOptions) { o.LabelSelector = l.selector }
	switch l.encoding {
	case asMetadata:
		return metadatainformer.NewFilteredMetadataInformer(clients.Metadata, gvr, metav1.NamespaceAll, 0, cache.Indexers{}, tweak).Informer(), nil
	case asProtobuf:
		generic, err := informers.NewSharedInformerFactoryWithOptions(clients.Kubernetes, 0, informers.WithTweakListOptions(tweak)).ForResource(gvr)
		if err != nil {
			return nil, err
		}
		return generic.Informer(), nil
	case asJSON:
	}
	return dynamicinformer.NewFilteredDynamicInformer(clients.Dynamic, gvr, metav1.NamespaceAll, 0, cache.Indexers{}, tweak).Informer(), nil
}

// watched is what an informer keeps of an object: its name, and how to read it once.
type watched struct {
	metav1.ObjectMeta
	object runtime.Object // nil once it was read
}

// listen makes an informer report to the watch, and keep no whole object.
func (w *watch) listen(l liveList, informer cache.SharedIndexInformer) error {
	selector, err := labels.Parse(l.selector)
	if err != nil {
		return err
	}
	err = informer.SetTransform(func(o any) (any, error) {
		object, ok := o.(runtime.Object)
		if !ok {
			return o, nil // it was transformed before
		}
		m, err := meta.Accessor(o)
		if err != nil {
			return nil, err
		}
		return &watched{object: object, ObjectMeta: metav1.ObjectMeta{
			Namespace: m.GetNamespace(), Name: m.GetName(), ResourceVersion: m.GetResourceVersion(), UID: m.GetUID(), Labels: m.GetLabels(),
		}}, nil
	})
	if err != nil {
		return err
	}
	err = informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
		if ctx.Err() == nil && !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) && !errors.Is(err, io.EOF) {
			w.state(l.key(), reasonOfList(l, err))
		}
	})
	if err != nil {
		return err
	}
	see := func(o any) { w.see(l, selector, o) }
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    see,
		UpdateFunc: func(_, o any) { see(o) },
		DeleteFunc: func(o any) { w.gone(l, o) },
	})
	return err
}

// see reads the facts of an object and lets go of it. An object that the selector does not match counts as gone.
func (w *watch) see(l liveList, selector labels.Selector, o any) {
	x, ok := o.(*watched)
	if !ok || x.object == nil {
		return
	}
	object := x.object
	x.object = nil
	var read func(*collector)
	if selector.Matches(labels.Set(x.Labels)) {
		read = func(c *collector) { c.runtimeObject(l, object) }
	}
	w.set(l.key(), x.Namespace+"/"+x.Name, Change{Kind: l.kind, Namespace: x.Namespace, Name: x.Name}, read)
}

func (w *watch) gone(l liveList, o any) {
	if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = last.Obj
	}
	if x, ok := o.(*watched); ok {
		w.set(l.key(), x.Namespace+"/"+x.Name, Change{Kind: l.kind, Namespace: x.Namespace, Name: x.Name}, nil)
	}
}

// runtimeObject adds what matters of an object as client-go decodes it.
func (c *collector) runtimeObject(l liveList, o runtime.Object) {
	switch o := o.(type) {
	case *metav1.PartialObjectMetadata:
		c.metadataFact(typedMeta(l.apiVersion(), l.kind, &o.ObjectMeta))
	case *unstructured.Unstructured:
		c.object(manifest.FromTree(l.apiVersion(), l.kind, o.Object), "live")
	case typed:
		c.typed(l, o)
	}
}
