package nmi

import (
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// Resources of the old world.
var (
	identities = schema.GroupVersionResource{Group: podidentity.Group, Version: podidentity.Version, Resource: "azureidentities"}
	bindings   = schema.GroupVersionResource{Group: podidentity.Group, Version: podidentity.Version, Resource: "azureidentitybindings"}
	assigned   = schema.GroupVersionResource{Group: podidentity.Group, Version: podidentity.Version, Resource: "azureassignedidentities"}
	exceptions = schema.GroupVersionResource{Group: podidentity.Group, Version: podidentity.Version, Resource: "azurepodidentityexceptions"}
)

// world is the cluster as the informers have it. Each change is passed on, after the lag, to the nodes that care; a node that is new gets
// what is there.
type world struct {
	lag time.Duration

	mu      sync.Mutex
	objects map[string]entry // by kind/namespace/name
	nodes   map[string]*credentialtest.Node
}

// entry is one object in the form that NMI uses. An empty node means that all nodes care.
type entry struct {
	node string
	put  func(*credentialtest.NodeState)
	drop func(*credentialtest.NodeState)
}

func newWorld(cfg Config) (*world, error) {
	w := &world{lag: cfg.Options.SyncLag, objects: map[string]entry{}, nodes: map[string]*credentialtest.Node{}}
	err := w.listen(cfg.Core.Core().V1().Pods().Informer(), "pod", func(obj any) entry { return podEntry(obj.(*corev1.Pod)) })
	for resource, convert := range map[schema.GroupVersionResource]func(*unstructured.Unstructured) entry{
		identities: identityEntry, bindings: bindingEntry, assigned: assignedEntry, exceptions: exceptionEntry,
	} {
		if err == nil {
			err = w.listen(cfg.Custom.ForResource(resource).Informer(), resource.Resource,
				func(obj any) entry { return convert(obj.(*unstructured.Unstructured)) })
		}
	}
	return w, err
}

// listen passes on one informer's changes.
func (w *world) listen(informer cache.SharedIndexInformer, kind string, convert func(any) entry) error {
	put := func(obj any) {
		if key, err := cache.MetaNamespaceKeyFunc(obj); err == nil {
			w.put(kind+"/"+key, convert(obj))
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: put, UpdateFunc: func(_, obj any) { put(obj) },
		DeleteFunc: func(obj any) {
			if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
				w.drop(kind + "/" + key)
			}
		}})
	return err
}

func (w *world) put(key string, e entry) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if before, ok := w.objects[key]; ok {
		w.tell(before.node, before.drop)
	}
	w.objects[key] = e
	w.tell(e.node, e.put)
}

func (w *world) drop(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if before, ok := w.objects[key]; ok {
		w.tell(before.node, before.drop)
	}
	delete(w.objects, key)
}

// tell changes what the nodes concerned know. The lock is held, so changes keep their order.
func (w *world) tell(node string, change func(*credentialtest.NodeState)) {
	for name, n := range w.nodes {
		if node != "" && node != name {
			continue
		}
		if w.lag > 0 {
			n.After(w.lag, change)
		} else {
			n.Update(change)
		}
	}
}

func (w *world) follow(name string, n *credentialtest.Node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes[name] = n
	for _, e := range w.objects {
		if e.node == "" || e.node == name {
			n.Update(e.put)
		}
	}
}

func (w *world) forget(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.nodes, name)
}

// replace removes what matches and, when there is a new value, adds it.
func replace[T any](list []T, same func(T) bool, fresh ...T) []T {
	return append(slices.DeleteFunc(slices.Clone(list), same), fresh...)
}
