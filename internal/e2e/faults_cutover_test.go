package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
	"github.com/wimigrate/wimigrate/internal/e2e/fault"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// moveFault is what happens to the API server's client while one unit moves.
type moveFault struct {
	name  string
	rules []fault.Rule // within the unit's namespace, or of the journal
	// refused is the status that a write of ours must have met; 0 for none.
	refused int
	// stops: the first run leaves the unit to wait; a second run, without faults, ends it.
	stops bool
	// journal puts the record into a ConfigMap behind the same faults.
	journal bool
}

const journalPath = "/namespaces/wimigrate/configmaps"

func moveFaults() []moveFault {
	patch, get := []string{http.MethodPatch}, []string{http.MethodGet}
	closing := fault.Rule{Watch: true, Fault: fault.Fault{CloseWatchAfter: 50 * time.Millisecond}} // nothing runs in the pods, so rollouts are quick
	return []moveFault{
		{name: "nothing happens"},
		{name: "replies to writes are lost", rules: []fault.Rule{{Methods: patch, Times: 4, Fault: fault.Fault{ResetAfter: true}}}},
		{name: "writes do not arrive", rules: []fault.Rule{{Methods: patch, Times: 4, Fault: fault.Fault{ResetBefore: true}}}},
		{name: "writes fail and were made", rules: []fault.Rule{{Methods: patch, Times: 4, Fault: fault.Fault{StatusAfter: 504, RetryAfter: "1"}}}},
		{name: "a server-side apply is lost", rules: []fault.Rule{{ContentType: "apply-patch", Times: 1, Fault: fault.Fault{ResetAfter: true}}}},
		{name: "reads are old", // whether a write meets a conflict by them is a matter of moments
			rules: []fault.Rule{{Methods: get, Path: "deployments/", Fault: fault.Fault{Stale: 6 * time.Second}}}},
		{name: "a write meets a conflict", rules: []fault.Rule{{Methods: patch, Times: 1, Fault: fault.Fault{Status: 409}}}, refused: http.StatusConflict},
		{name: "429 says when to come again", rules: []fault.Rule{
			{Methods: patch, Times: 2, Fault: fault.Fault{Status: 429, RetryAfter: "1"}},
			{Methods: get, Skip: 6, Times: 2, Fault: fault.Fault{Status: 429, RetryAfter: "1"}}}, refused: http.StatusTooManyRequests},
		{name: "429 says nothing", rules: []fault.Rule{{Times: 4, Fault: fault.Fault{Status: 429}}}},
		{name: "503 again and again", rules: []fault.Rule{{Share: 0.2, Times: 8, Fault: fault.Fault{Status: 503}}}},
		{name: "the token expires at a write",
			rules: []fault.Rule{{Methods: patch, Skip: 2, Fault: fault.Fault{Status: 401}}}, refused: http.StatusUnauthorized, stops: true},
		{name: "the token expires at a read", rules: []fault.Rule{{Methods: get, Skip: 8, Fault: fault.Fault{Status: 401}}}, stops: true},
		{name: "reads are cut short", rules: []fault.Rule{{Methods: get, Share: 0.3, Times: 8, Fault: fault.Fault{Truncate: 100}}}},
		{name: "answers to writes are cut short", rules: []fault.Rule{{Methods: patch, Times: 3, Fault: fault.Fault{Truncate: 100}}}},
		{name: "watches close again and again", rules: []fault.Rule{closing}},
		{name: "watches expire", rules: []fault.Rule{
			{Watch: true, Times: 3, Fault: fault.Fault{ExpireWatch: true}}, {Watch: true, Times: 3, Fault: fault.Fault{Status: 410}}, closing}},
		{name: "watches break within an event", rules: []fault.Rule{{Watch: true, Times: 6, Fault: fault.Fault{Truncate: 700}}}},
		{name: "every event comes twice", rules: []fault.Rule{{Watch: true, Fault: fault.Fault{RepeatEvents: true}}}},
		{name: "replies to saves of the journal are lost", journal: true, rules: []fault.Rule{
			{Path: journalPath, Methods: []string{http.MethodPost, http.MethodPatch}, Share: 0.5, Times: 6, Fault: fault.Fault{ResetAfter: true}}}},
		{name: "saves of the journal fail and were made", journal: true, rules: []fault.Rule{
			{Path: journalPath, Methods: []string{http.MethodPost}, Times: 1, Fault: fault.Fault{StatusAfter: 504, RetryAfter: "1"}},
			{Path: journalPath, Methods: patch, Share: 0.5, Times: 3, Fault: fault.Fault{StatusAfter: 504, RetryAfter: "1"}}}},
	}
}

// deployFaultUnits puts an application for each fault, and for each process that sleeps, into a namespace of its own. Nothing runs in the pods.
func deployFaultUnits(t *testing.T, f *fleet.Fleet) {
	t.Helper()
	if err := f.Clusters[0].Apply(t.Context(), namespaceYAML("wimigrate")); err != nil {
		t.Fatal(err)
	}
	var units []resident
	deploy := func(name string, minReady int) {
		r := newResident(f, f.Clusters[0], "Deployment", name, 2, time.Second)
		r.Hollow, r.MinReady = true, minReady
		r.deploy(t)
		units = append(units, r)
	}
	for i, c := range moveFaults() {
		watched := 0
		if slices.ContainsFunc(c.rules, func(r fault.Rule) bool { return r.Watch }) {
			watched = 3 // a rollout that is over at once is never watched
		}
		deploy(named("unit", i), watched)
	}
	for i := range sleepers {
		deploy(named("sleeper", i), 0)
	}
	for _, r := range units {
		awaitReady(t, r)
	}
}

// cutoverUnderFaults moves a unit under each fault, all at once. Whatever happens, each ends as the calm one does: with as many templates,
// and, as the whole test compares, with nothing changed that the plan does not say.
func cutoverUnderFaults(t *testing.T, f *fleet.Fleet, plans map[string]*cutover.Plan) {
	together(t, moveFaults(), func(c moveFault) string { return c.name }, func(t *testing.T, i int, c moveFault) { c.run(t, f, plans[named("unit", i)]) })
}

func (c *moveFault) run(t *testing.T, f *fleet.Fleet, p *cutover.Plan) {
	namespace := p.Units[0].Namespace
	var rules []fault.Rule
	for _, r := range c.rules {
		if !strings.HasPrefix(r.Path, journalPath) {
			r.Path = "/namespaces/" + namespace + "/" + r.Path
		}
		rules = append(rules, r)
	}
	cfg, injector := faulty(t, f, rules...)
	var sent requestLog
	cfg.QPS, cfg.Burst = 100, 200
	cfg.Wrap(sent.wrap)
	cluster, err := cutover.NewCluster(cfg)
	if err != nil {
		t.Fatal(err)
	}
	clusters := map[string]cutover.Cluster{f.Clusters[0].Name: cluster}
	var j cutover.Journal = cutovertest.NewJournal()
	if c.journal {
		if j, err = cutover.NewConfigMapJournal(clusters, "wimigrate"); err != nil {
			t.Fatal(err)
		}
	}
	r, err := cutover.NewRunner(clusters, j, cutovertest.PassGates(), &cutover.Options{Actor: namespace, Patience: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	rep, err := r.Run(t.Context(), p)
	if len(c.rules) > 0 {
		struck(t, injector, 0)
	}
	if c.stops {
		if u := rep.Units[0]; u.State == cutover.Done || u.State == cutover.Frozen || u.Failed || u.State != cutover.Held && err == nil {
			t.Errorf("%s is %s (%s), want it to wait: %s", u.ID, u.State, u.Hold, u.Reason)
		}
		t.Logf("the first run ended with %v", err)
		injector.Script()
		rep, err = r.Run(t.Context(), p)
	}
	if err != nil {
		t.Fatal(err)
	}
	u := rep.Units[0]
	t.Logf("%s is %s after %s: %s", u.ID, u.State, time.Since(began).Round(time.Millisecond), u.Reason)
	if u.State != cutover.Done {
		t.Errorf("%s is %s (%s), want Done: %s", u.ID, u.State, u.Hold, u.Reason)
	}
	sets, err := f.Clusters[0].Client.AppsV1().ReplicaSets(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(sets.Items) != 3 {
		t.Errorf("%d templates have run, want 3 as in calm: %v", len(sets.Items), err)
	}
	refused := func(r request) bool { return r.Method != http.MethodGet && r.Status == c.refused }
	if all := sent.between(began, time.Now()); c.refused != 0 && !slices.ContainsFunc(all, refused) {
		t.Errorf("no write was refused with %d", c.refused)
	}
}

// removeJournal takes away what the journals of the units have left.
func removeJournal(t *testing.T, f *fleet.Fleet) {
	t.Helper()
	client := f.Clusters[0].Client
	ours := metav1.ListOptions{LabelSelector: "wimigrate.github.io/journal"}
	if err := client.CoreV1().ConfigMaps("wimigrate").DeleteCollection(t.Context(), metav1.DeleteOptions{}, ours); err != nil {
		t.Error(err)
	}
	if err := client.CoordinationV1().Leases("wimigrate").DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
}
