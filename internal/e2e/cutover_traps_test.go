package e2e_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/e2e/azure"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// trap is an application that must not simply be moved, in a namespace of its own.
type trap struct {
	name, sentence string
	// shape changes the application before it is deployed; by default it is a Deployment of two replicas with an autoscaler.
	shape func(r *resident)
	// prepare changes the world between the plan and its run.
	prepare func(t *testing.T, s *snare)
	// check runs the plan and judges what came of it.
	check func(t *testing.T, s *snare)
}

// snare is a trap in a fleet, with the plan for its namespace alone.
type snare struct {
	*operator
	c *fleet.Cluster
	r resident
	p *cutover.Plan
	// plans are those of all traps, by their names.
	plans map[string]*cutover.Plan
}

// What makes a cutover go wrong is refused, held or put back, before an application loses a token.
func TestTrapsOnARealControlPlaneCostNoToken(t *testing.T) {
	inTurn(t, long)
	f := commonFleet(t)
	c := f.Clusters[0]
	all := traps()
	var residents []resident
	for _, x := range all {
		r := newResident(f, c, "Deployment", x.name, 2, 200*time.Millisecond)
		r.MaxReplicas = 10
		if x.shape != nil {
			x.shape(&r)
		}
		r.deploy(t)
		residents = append(residents, r)
	}
	awaitResidents(t, residents)
	o := newOperator(t, f, namespacesOf(residents)...)
	plans := o.plansByNamespace(t, cutover.PlanOptions{Soak: 3 * time.Second, Limits: cutover.Limits{InducePods: 10}})
	var some errgroup.Group
	some.SetLimit(8) // most of the time they wait
	for i, x := range all {
		if x.check == nil {
			continue
		}
		some.Go(func() error {
			t.Run(x.sentence, func(t *testing.T) {
				s := &snare{operator: o, c: c, r: residents[i], p: plans[x.name], plans: plans}
				if len(s.p.Units) != 1 {
					t.Fatalf("%d units", len(s.p.Units))
				}
				if x.prepare != nil {
					x.prepare(t, s)
				}
				x.check(t, s)
				if err := dismiss(t.Context(), c, x.name); err != nil {
					t.Error(err)
				}
			})
			return nil
		})
	}
	_ = some.Wait() //nolint:errcheck // nothing fails but tests
	taken := 0
	for _, r := range reportsOf(f, residents) {
		taken += r.Taken
		if r.Wrong > 0 || r.Broken != "" || r.Failed > 0 && r.Credential == workload.Wimigrate {
			t.Errorf("%s/%s: %d tokens failed, %d were of another identity: %s%s", r.Namespace, r.Pod, r.Failed, r.Wrong, r.LastError, r.Broken)
		}
	}
	t.Logf("%d traps, %d tokens taken", len(all), taken)
}

// gates are the provided ones with windows of seconds, and with enough time for a loaded machine.
func (s *snare) gates(tune ...func(*cutover.GateOptions)) cutover.Gates {
	return gatesOf(s.gateOptions(tune...))
}

func (s *snare) gateOptions(tune ...func(*cutover.GateOptions)) *cutover.GateOptions {
	load := &cutover.LoadOptions{Window: 2 * time.Second, Deadline: 2 * time.Minute, LookEvery: time.Second, Pods: 2, Nodes: 1, Calm: 2 * time.Second}
	o := &cutover.GateOptions{
		Preflight: &cutover.PreflightOptions{EntraClock: s.entraClock, Probes: 4, ProbeTime: time.Minute,
			Attest: func(cutover.Workload) cutover.Attestation { return cutover.AttestDeclared }},
		Prove:  &federation.ProveOptions{TenantID: azure.TenantID, Settle: -1, Every: 200 * time.Millisecond, Deadline: time.Minute},
		Ready:  &cutover.ReadyOptions{Floor: time.Minute}, // a loaded machine starts pods when it can
		Probes: 3, Settle: settled, SettleEvery: time.Second, Quiet: time.Second, Calm: 2 * time.Second, Load: load, LoadAgain: load,
	}
	for _, f := range tune {
		f(o)
	}
	return o
}

// hurried is for traps in which the wait itself is in vain.
func hurried(o *cutover.GateOptions) {
	o.Prove.Deadline, o.Load.Deadline, o.Settle = moment, 2*moment, moment
}

func gatesOf(o *cutover.GateOptions) cutover.Gates {
	g := cutover.DefaultGates(o)
	g.Preflight = cutover.Eventually(g.Preflight, 2*time.Second, time.Second)
	return g
}

// run runs the plan with a journal of its own, and no patience with what is held unless tune says so.
func (s *snare) run(t *testing.T, g cutover.Gates, tune ...func(*cutover.Options)) cutover.UnitReport {
	t.Helper()
	rep, err := s.tryRun(t, cutovertest.NewJournal(), g, tune...)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func (s *snare) tryRun(t *testing.T, j cutover.Journal, g cutover.Gates, tune ...func(*cutover.Options)) (cutover.UnitReport, error) {
	t.Helper()
	opts := s.options(nil)
	opts.Patience = 0
	for _, f := range tune {
		f(opts)
	}
	r, err := cutover.NewRunner(s.clusters, j, g, opts)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := r.Run(t.Context(), s.p)
	u := rep.Units[0]
	t.Logf("%s is %s (%s) after %s: %s %v", u.ID, u.State, u.Hold, u.Reached, u.Reason, err)
	return u, err
}

// want judges where a unit stands; the reason must contain says.
func want(t *testing.T, u cutover.UnitReport, state cutover.State, says string) {
	t.Helper()
	if u.State != state || !strings.Contains(u.Reason, says) {
		t.Errorf("%s is %s: %s; want %s: …%s…", u.ID, u.State, u.Reason, state, says)
	}
}

// untouched judges that neither the workload nor its service account carries anything of ours, and that no more templates than these
// have ever run.
func (s *snare) untouched(t *testing.T, templates int) {
	t.Helper()
	d, err := s.c.Client.AppsV1().Deployments(s.r.Namespace).Get(t.Context(), s.r.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	account, err := s.c.Client.CoreV1().ServiceAccounts(s.r.Namespace).Get(t.Context(), s.r.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	sets, err := s.c.Client.AppsV1().ReplicaSets(s.r.Namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	labels := d.Spec.Template.Labels
	if labels[podidentity.Label] != s.r.Name || labels[workloadid.UseLabel] != "" || account.Annotations[workloadid.ClientIDAnnotation] != "" {
		t.Errorf("the template's labels are %v, the account's annotations %v", labels, account.Annotations)
	}
	if len(sets.Items) > templates {
		t.Errorf("%d templates have run, want %d", len(sets.Items), templates)
	}
}
