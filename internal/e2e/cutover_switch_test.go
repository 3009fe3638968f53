package e2e_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
)

// switchClock remembers when every pod of a unit had the new path.
type switchClock struct {
	mu sync.Mutex
	at map[string]time.Time // by cluster/namespace
}

func (s *switchClock) told(t *testing.T) func(cutover.Event) {
	return func(e cutover.Event) {
		if e.Type == cutover.EventState || e.Type == cutover.EventFrozen {
			t.Logf("%s %s %s", e.Unit, e.State, e.Message)
		}
		if (e.Type == cutover.EventVerdict || e.Type == cutover.EventWaiting) && e.Verdict.Result != cutover.Pass {
			t.Logf("%s %s: %s: %s", e.Unit, e.Step, e.Verdict.Result, e.Verdict.Reason)
		}
		if e.Type == cutover.EventState && e.State == cutover.DualPath {
			s.mu.Lock()
			defer s.mu.Unlock()
			place := e.Unit[:strings.LastIndex(e.Unit, "/")]
			if s.at[place].IsZero() {
				s.at[place] = e.Time
			}
		}
	}
}

// check says that pods created after the switch took all their tokens by workload identity. Those of a Job that was made before are left to
// finish as it began, also where a node goes and the Job has another pod.
func (s *switchClock) check(t *testing.T, f *fleet.Fleet) {
	t.Helper()
	made := jobTimes(t, f)
	after, tokens := 0, 0
	for _, r := range f.Reports() {
		at, moved := s.at[r.Cluster+"/"+r.Namespace]
		if !moved || !r.Created.After(at) || r.Taken == 0 {
			continue
		}
		if job, ok := made[r.Cluster+"/"+r.Namespace+"/"+r.Pod[:strings.LastIndex(r.Pod, "-")]]; ok && !job.After(at) {
			continue
		}
		if ms, err := strconv.ParseInt(r.Labels[fromLabel], 10, 64); err == nil && !time.UnixMilli(ms).After(at) { // its Job may be gone by now
			continue
		}
		after++
		tokens += r.Taken
		if r.Paths[workload.PathWorkloadIdentity] != r.Taken {
			t.Errorf("%s/%s/%s was created after the switch and took tokens by %v", r.Cluster, r.Namespace, r.Pod, r.Paths)
		}
	}
	t.Logf("%d pods were created after their unit's switch and took %d tokens, all by workload identity", after, tokens)
	if after == 0 {
		t.Error("no pod was created after a switch")
	}
}

// jobTimes says when each Job was made, by cluster/namespace/name.
func jobTimes(t *testing.T, f *fleet.Fleet) map[string]time.Time {
	t.Helper()
	out := map[string]time.Time{}
	for _, c := range f.Clusters {
		jobs, err := c.Client.BatchV1().Jobs(metav1.NamespaceAll).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range jobs.Items {
			out[c.Name+"/"+j.Namespace+"/"+j.Name] = j.CreationTimestamp.Time
		}
	}
	return out
}
