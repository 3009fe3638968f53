package catalog

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"sync"
)

// watch is the state of one watched cluster.
type watch struct {
	known  Cluster
	served served
	notify chan struct{} // holds one: something is to be reported

	mu      sync.Mutex // guards all below
	lists   map[string]*watchedList
	words   *collector // interns for all parts
	changes map[Change]bool
	dirty   bool
	first   bool // the first report was given
}

// watchedList is what is known of one list.
type watchedList struct {
	name   string
	parts  map[string]*collector // facts by object
	synced bool
	failed string // why it cannot be read at present
	// version of what was read last, and what it was when the read failed: it moves on when the list can be read again.
	version  func() string
	failedAt string
}

func newWatch(known Cluster, s served) *watch {
	return &watch{known: known, served: s, notify: make(chan struct{}, 1), lists: map[string]*watchedList{}, words: newCollector("", false),
		changes: map[Change]bool{}}
}

// part returns a collector for one object that shares its strings with all others.
func (w *watch) part() *collector {
	return &collector{interned: w.words.interned, labels: w.words.labels, gaps: map[Gap]bool{}}
}

// ready wakes the reporter once every list was read or refused.
func (w *watch) ready() {
	for _, l := range w.lists {
		if !l.synced && l.failed == "" {
			return
		}
	}
	select {
	case w.notify <- struct{}{}:
	default:
	}
}

// set replaces the facts of one object; nil removes them. It returns without a word if nothing that is kept changed.
func (w *watch) set(list, key string, what Change, read func(*collector)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lists[list]
	old := l.parts[key]
	var part *collector
	if read != nil {
		part = w.part()
		read(part)
		if part.empty() {
			part = nil
		}
	}
	if l.failed != "" {
		l.failed, w.dirty = "", true
		w.ready()
	}
	switch {
	case old == nil && part == nil:
		return
	case old == nil:
		what.Action = Added
	case part == nil:
		what.Action = Removed
	case sameFacts(old, part):
		l.parts[key] = part
		return
	default:
		what.Action = Changed
	}
	if part == nil {
		delete(l.parts, key)
	} else {
		l.parts[key] = part
	}
	w.dirty = true
	if w.first {
		w.changes[what] = true
	}
	w.ready()
}

// state records whether a list can be read.
func (w *watch) state(list, failed string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.lists[list]
	if l.failed == failed && (failed != "" || l.synced) {
		return
	}
	if failed == "" {
		l.synced = true
	}
	l.failed, w.dirty = failed, true
	if failed != "" && l.version != nil {
		l.failedAt = l.version()
	}
	w.ready()
}

// recheck finds lists that can be read again although nothing of them changed.
func (w *watch) recheck() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.lists {
		if l.synced && l.failed != "" && l.version() != l.failedAt {
			l.failed, w.dirty = "", true
			w.ready()
		}
	}
}

// empty reports whether an object left no fact.
func (c *collector) empty() bool {
	return len(c.waiting) == 0 && reflect.DeepEqual(c.snap, Snapshot{})
}

// sameFacts compares the facts of one object, whose resource version does not count.
func sameFacts(a, b *collector) bool {
	return reflect.DeepEqual(unversioned(a), unversioned(b))
}

func unversioned(c *collector) [2]any {
	part := &collector{gaps: map[Gap]bool{}}
	part.take(c)
	s := &part.snap
	eachMeta(s.Identities, func(f *AzureIdentity) *Meta { return &f.Meta })
	eachMeta(s.Bindings, func(f *AzureIdentityBinding) *Meta { return &f.Meta })
	eachMeta(s.Assigned, func(f *AssignedIdentity) *Meta { return &f.Meta })
	eachMeta(s.Exceptions, func(f *Exception) *Meta { return &f.Meta })
	eachMeta(s.Workloads, func(f *Workload) *Meta { return &f.Meta })
	eachMeta(s.ServiceAccounts, func(f *ServiceAccount) *Meta { return &f.Meta })
	eachMeta(s.Namespaces, func(f *Namespace) *Meta { return &f.Meta })
	eachMeta(s.Nodes, func(f *Node) *Meta { return &f.Meta })
	eachMeta(s.SecretProviderClasses, func(f *SecretProviderClass) *Meta { return &f.Meta })
	eachMeta(s.TriggerAuthentications, func(f *TriggerAuthentication) *Meta { return &f.Meta })
	eachMeta(s.Components, func(f *Component) *Meta { return &f.Meta })
	eachMeta(part.waiting, func(f *Workload) *Meta { return &f.Meta })
	return [2]any{*s, part.waiting}
}

func eachMeta[T any](facts []T, meta func(*T) *Meta) {
	for i := range facts {
		meta(&facts[i]).ResourceVersion = ""
	}
}

// snapshot joins the facts of all objects. ok is false when there is nothing to report.
func (w *watch) snapshot() (snap *Snapshot, changes []Change, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.dirty && w.first {
		return nil, nil, false
	}
	c := newCollector(w.known.Name, false)
	c.snap.UnknownKindsSkipped = true
	c.snap.Cluster, c.snap.Origin = w.known, "live"
	for resource, reason := range w.served.failed {
		c.gap(resource, reason)
	}
	for _, name := range slices.Sorted(maps.Keys(w.lists)) {
		l := w.lists[name]
		if l.failed != "" {
			c.gap(l.name, l.failed)
		} else if l.name == "pods" {
			c.snap.PodsRead = true
		}
		for _, key := range slices.Sorted(maps.Keys(l.parts)) {
			c.take(l.parts[key])
		}
	}
	for change := range w.changes {
		changes = append(changes, change)
	}
	slices.SortFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Action, b.Action))
	})
	w.dirty, w.first = false, true
	clear(w.changes)
	return c.finish(), changes, true
}
