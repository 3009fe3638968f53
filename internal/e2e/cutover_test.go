package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// fullRun asks for the long versions of the cutover's tests: a dozen namespaces in each cluster and 50,000 tokens, and a crash at every write.
const fullRun = "WIMIGRATE_E2E_FULL"

func full() bool { return os.Getenv(fullRun) != "" }

// The promise: a fleet that scales, in two regions, moves to Workload Identity and loses no token on the way.
func TestAFleetUnderLoadMovesWithoutOneFailedToken(t *testing.T) {
	f := fleet.StartFleet(t, fleet.Spec{Clusters: twoRegions, Azure: azure.Options{Propagation: propagation}, RotateTokens: 20 * time.Second})
	residents, tokens := settle(t, f)
	o := newOperator(t, f)
	p := o.plan(t, cutover.PlanOptions{
		Soak: 4 * time.Second, Order: idleLast(residents),
		Limits: cutover.Limits{PerCluster: -1, PerRegion: -1, PerIdentity: -1, Fleet: -1, Bake: -1},
	})
	before := dumpFleet(t, f)
	stop := startLoad(t, residents)
	j, err := cutover.OpenJournal(filepath.Join(t.TempDir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	clock := &switchClock{at: map[string]time.Time{}}
	rep := move(t, o.runner(t, j, o.gates(), clock.told(t)), p, residents)
	fleet.Await(t, "enough tokens", func() (bool, error) { return tally(f).taken >= tokens, nil })
	breaths := stop()

	s := tally(f)
	t.Logf("%d units, %d breaths of load; %d pods ran; tokens: %d taken, %d failed, %d wrong", len(rep.Units), breaths, len(f.Reports()), s.taken, s.failed, s.wrong)
	if s.failed > 0 || s.wrong > 0 || s.broken != "" {
		t.Errorf("%d tokens failed, %d were of another identity: %s", s.failed, s.wrong, s.broken)
	}
	clock.check(t, f.Reports())
	noBindings(t, f, residents)
	compareFleet(t, f, p, before)
}

func tally(f *fleet.Fleet) summary { return summarise(f.Reports()) }

// settle puts the applications into the clusters and waits until they live on Pod Identity. It returns how many tokens are to be taken.
func settle(t *testing.T, f *fleet.Fleet) ([]resident, int) {
	t.Helper()
	east, west := f.Clusters[0], f.Clusters[1]
	web := func(c *fleet.Cluster) resident {
		r := newResident(f, c, "Deployment", "web", 3, 200*time.Millisecond)
		r.MaxReplicas = 20
		return r
	}
	ledger := newResident(f, east, "StatefulSet", "ledger", 3, 200*time.Millisecond)
	ledger.Job = true
	all := []resident{web(east), ledger, newResident(f, east, "CronJob", "nightly", 0, 200*time.Millisecond),
		web(west), newResident(f, west, "DaemonSet", "agent", 0, 200*time.Millisecond), newResident(f, west, "Deployment", "idle", 0, time.Second)}
	tokens := 1000
	if full() {
		all, tokens = dozen(f), 50_000
	}
	for _, c := range f.Clusters {
		if err := c.AwaitNMI(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range all {
		r.deploy(t)
	}
	awaitResidents(t, all)
	return all, tokens
}

// dozen is a dozen namespaces in each cluster.
func dozen(f *fleet.Fleet) []resident {
	var all []resident
	for _, c := range f.Clusters {
		for _, x := range []struct {
			kind, name string
			replicas   int
		}{
			{"Deployment", "web", 3}, {"Deployment", "api", 3}, {"Deployment", "orders", 2}, {"Deployment", "search", 2}, {"Deployment", "mail", 2},
			{"StatefulSet", "ledger", 3}, {"StatefulSet", "queue", 2}, {"DaemonSet", "agent", 0}, {"DaemonSet", "scrape", 0},
			{"CronJob", "nightly", 0}, {"CronJob", "hourly", 0}, {"Deployment", "idle", 0},
		} {
			r := newResident(f, c, x.kind, x.name, x.replicas, 300*time.Millisecond)
			r.Job = x.name == "orders"
			if x.name == "web" || x.name == "api" {
				r.MaxReplicas = 20
			}
			all = append(all, r)
		}
	}
	return all
}

func idleLast(residents []resident) func(a, b cutover.Unit) int {
	rank := func(u cutover.Unit) int {
		for _, r := range residents {
			if r.idle() && r.Namespace == u.Namespace && r.cluster.Name == u.Cluster {
				return 1
			}
		}
		return 0
	}
	return func(a, b cutover.Unit) int { return rank(a) - rank(b) }
}

// move runs the plan, and runs it again while a unit is held for evidence that the churn has blurred, as its operator would.
func move(t *testing.T, r *cutover.Runner, p *cutover.Plan, residents []resident) *cutover.Report {
	t.Helper()
	idle := idleLast(residents)
	for run := 1; ; run++ {
		rep, err := r.Run(t.Context(), p)
		if err != nil {
			t.Fatalf("run %d: %v", run, err)
		}
		again := 0
		for _, u := range rep.Units {
			switch {
			case idle(*p.Unit(u.ID), cutover.Unit{}) == 1:
				if u.State == cutover.Planned || u.State == "" {
					again++
				} else if u.State != cutover.Held || u.Hold != cutover.HoldLoad {
					t.Fatalf("%s runs no pod and is %s (%s), not held for load: %s", u.ID, u.State, u.Hold, u.Reason)
				}
			case u.State == cutover.Done:
			case u.State == cutover.Frozen || u.State == cutover.RolledBack:
				t.Fatalf("%s is %s: %s", u.ID, u.State, u.Reason)
			default:
				again++
				t.Logf("run %d: %s is %s after %s (%s)", run, u.ID, u.State, u.Reached, u.Reason)
			}
		}
		if again == 0 {
			return rep
		}
		if run == 12 {
			t.Fatal("the fleet does not come to its end")
		}
	}
}

// noBindings checks that no AzureIdentityBinding is left but those of the units that are held.
func noBindings(t *testing.T, f *fleet.Fleet, residents []resident) {
	t.Helper()
	for _, c := range f.Clusters {
		kind, err := c.Objects.Kind(schema.FromAPIVersionAndKind(podidentity.GroupVersion, "AzureIdentityBinding"), "")
		if err != nil {
			t.Fatal(err)
		}
		left, err := kind.List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, r := range residents {
			if r.idle() && r.cluster == c {
				want++
			}
		}
		if len(left.Items) != want {
			t.Errorf("%s: %d AzureIdentityBindings are left, want %d", c.Name, len(left.Items), want)
		}
	}
}

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
		if e.Type == cutover.EventVerdict && e.Verdict.Result != cutover.Pass {
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

// check says that pods created after the switch took all their tokens by workload identity.
func (s *switchClock) check(t *testing.T, reports []kubelet.PodReport) {
	t.Helper()
	after, tokens := 0, 0
	for _, r := range reports {
		at, moved := s.at[r.Cluster+"/"+r.Namespace]
		if !moved || !r.Created.After(at) || r.Taken == 0 {
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
