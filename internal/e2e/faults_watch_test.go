package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/e2e/fault"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// watchUnderFaults keeps the snapshot of the cluster while watches fail: what comes and goes is seen, and nothing that stays is ever lost
// from a snapshot that says it is complete.
func watchUnderFaults(t *testing.T, f *fleet.Fleet) {
	type watchFault struct {
		name  string
		rules []fault.Rule
	}
	closing := fault.Rule{Watch: true, Fault: fault.Fault{CloseWatchAfter: 200 * time.Millisecond}}
	together(t, []watchFault{
		{"watches close again and again", []fault.Rule{closing}},
		{"watches expire by an event", []fault.Rule{
			{Watch: true, Times: 12, Fault: fault.Fault{ExpireWatch: true}}, closing}},
		{"watches expire by an answer", []fault.Rule{
			{Watch: true, Times: 12, Fault: fault.Fault{Status: http.StatusGone}}, closing}},
		{"watches break", []fault.Rule{
			{Watch: true, Times: 12, Fault: fault.Fault{Truncate: 50}}, {Watch: true, Times: 12, Fault: fault.Fault{ResetBefore: true}}}},
		{"every event comes twice", []fault.Rule{{Watch: true, Fault: fault.Fault{RepeatEvents: true}}}},
	}, func(c watchFault) string { return c.name }, func(t *testing.T, i int, c watchFault) {
		cfg, injector := faulty(t, f, c.rules...)
		clients, err := catalog.NewWatchClients(cfg)
		if err != nil {
			t.Fatal(err)
		}
		s := &lastSnapshot{t: t}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- catalog.Watch(ctx, "aks-eastus-01", clients, s.take, &catalog.WatchOptions{Settle: -1})
		}()
		s.await(t, "a first snapshot", func(*catalog.Snapshot) bool { return true })
		name := named("late", i)
		err = f.Clusters[0].Apply(t.Context(), fmt.Sprintf(`
{apiVersion: %s, kind: AzureIdentityBinding, metadata: {name: %s, namespace: default}, spec: {azureIdentity: %[2]s, selector: %[2]s}}`,
			podidentity.GroupVersion, name))
		if err != nil {
			t.Fatal(err)
		}
		s.await(t, "the late binding", func(x *catalog.Snapshot) bool { return bound(x, name) })
		kind, err := f.Clusters[0].Objects.Kind(schema.FromAPIVersionAndKind(podidentity.GroupVersion, "AzureIdentityBinding"), "default")
		if err != nil {
			t.Fatal(err)
		}
		if err := kind.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		s.await(t, "the end of the late binding", func(x *catalog.Snapshot) bool { return !bound(x, name) })
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch ended with %v", err)
		}
		struck(t, injector, 0)
	})
}

func bound(s *catalog.Snapshot, name string) bool {
	return slices.ContainsFunc(s.Bindings, func(b catalog.AzureIdentityBinding) bool { return b.Name == name })
}

// lastSnapshot keeps what Watch reported last, and holds complete ones against what they must have.
type lastSnapshot struct {
	t    *testing.T
	mu   sync.Mutex
	last *catalog.Snapshot // that was complete
	all  int
	gaps []catalog.Gap // of the last one
}

func (s *lastSnapshot) take(x *catalog.Snapshot, _ []catalog.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all++
	s.gaps = x.Cluster.Coverage.Gaps
	if x.Cluster.Coverage.Complete {
		s.last = x
		if !slices.ContainsFunc(x.ServiceAccounts, func(a catalog.ServiceAccount) bool { return a.Namespace == named("unit", 0) }) {
			s.t.Errorf("report %d is complete, and has lost a service account", s.all)
		}
	}
}

// await waits for a complete snapshot with what is asked for.
func (s *lastSnapshot) await(t *testing.T, what string, has func(*catalog.Snapshot) bool) {
	t.Helper()
	fleet.Await(t, what, func() (bool, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.last != nil && has(s.last) {
			return true, nil
		}
		return false, fmt.Errorf("report %d has the gaps %v", s.all, s.gaps)
	})
}
