package cutover_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
)

// oracleFuncs is a PathOracle of which a test fills in what it needs.
type oracleFuncs struct {
	oldPath func() ([]cutover.NMIReading, error)
	pods    func(names []string) ([]cutover.PodPath, error)
}

func (o oracleFuncs) OldPath(context.Context, string, string) ([]cutover.NMIReading, error) {
	return o.oldPath()
}

func (o oracleFuncs) Pods(_ context.Context, _, _ string, names []string) ([]cutover.PodPath, error) {
	return o.pods(names)
}

func TestOldPathSilent(t *testing.T) {
	nmi := func(instance string, operations int64) cutover.NMIReading {
		return cutover.NMIReading{Instance: instance, Node: "node-" + instance, Operations: operations}
	}
	type readings = []cutover.NMIReading
	of := func(operations, refused int64) readings {
		r := nmi("a", operations)
		r.Refused = &refused
		return readings{r}
	}
	old := []*unstructured.Unstructured{{Object: map[string]any{"metadata": map[string]any{"name": "api-old", "labels": map[string]any{"aadpodidbinding": "api"}}}}}
	bornAt := func(created string) []*unstructured.Unstructured {
		o := old[0].DeepCopy()
		_ = unstructured.SetNestedField(o.Object, created, "metadata", "creationTimestamp")
		return []*unstructured.Unstructured{o}
	}
	single := func(t *cutover.Target) {
		unit := *t.Unit
		unit.Strategy = cutover.Strategy{SingleRollout: true}
		t.Unit = &unit
	}
	mode := func(m catalog.PodIdentityMode) func(*cutover.Target) {
		return func(t *cutover.Target) { t.Plan.Clusters = []cutover.PlanCluster{{Name: "c1", Mode: m}} }
	}
	for _, tc := range []struct {
		name          string
		pods          []*unstructured.Unstructured
		before, after readings
		err           error
		change        func(*cutover.Target)
		want          cutover.Result
		says          string
	}{
		{"counters that stand still pass", nil, readings{nmi("a", 7), nmi("b", 0)}, readings{nmi("a", 7), nmi("b", 0)}, nil, nil, cutover.Pass, ""},
		{"an application that is silently on IMDS is caught", nil, readings{nmi("a", 7), nmi("b", 0)}, readings{nmi("a", 8), nmi("b", 0)}, nil, nil, cutover.Fail, "served 1 token operation"},
		{"a Job left to finish on the old path cannot be told apart", []*unstructured.Unstructured{{Object: map[string]any{"metadata": map[string]any{"name": "batch-1", "labels": map[string]any{"aadpodidbinding": "batch"}}}}},
			readings{nmi("a", 7)}, readings{nmi("a", 8)}, nil, nil, cutover.Inconclusive, "Pod/batch-1 is still on the old path"},
		{"nor can what a Job asked for that was left to finish and has ended since", nil, readings{nmi("a", 7)}, readings{nmi("a", 8)}, nil, func(t *cutover.Target) {
			unit := *t.Unit
			unit.Workloads = append(unit.Workloads, cutover.Workload{Ref: cutover.Ref{APIVersion: "batch/v1", Kind: "Job", Namespace: "payments", Name: "batch"}})
			t.Unit, t.Cluster = &unit, endingJob(t.Cluster)
		}, cutover.Inconclusive, "Job/batch was still on the old path when the counters were read before"},
		{"a restarted NMI leaves a gap", nil, readings{nmi("a", 7)}, readings{nmi("a", 2)}, nil, nil, cutover.Inconclusive, "its counter fell"},
		{"a new NMI that served nothing passes", nil, readings{nmi("a", 7)}, readings{nmi("a", 7), nmi("new", 0)}, nil, nil, cutover.Pass, ""},
		{"a new NMI that served the namespace fails", nil, readings{nmi("a", 7)}, readings{nmi("a", 7), nmi("new", 1)}, nil, nil, cutover.Fail, "served 1"},
		{"an NMI that left takes its last count along", nil, readings{nmi("a", 7), nmi("b", 1)}, readings{nmi("a", 7)}, nil, nil, cutover.Inconclusive, "it is gone"},
		{"an NMI that cannot be read is unknown", nil, nil, nil, errors.New("node-b cannot be read"), nil, cutover.Inconclusive, "cannot be read"},
		{"where no NMI is found its labels may be others, and nothing is known", nil, nil, nil, nil, mode(catalog.ModeStandard), cutover.Inconclusive, "(mode standard): give the labels of its pods to NMIPods"},
		{"nor is it in the cluster that no plan knows", nil, nil, nil, nil, nil, cutover.Inconclusive, "the plan does not know the cluster"},
		{"a cluster that is known to have no Pod Identity has no old path", nil, nil, nil, nil, mode(catalog.ModeNone), cutover.Pass, ""},
		{"without an oracle nothing is known", nil, nil, nil, nil, func(t *cutover.Target) { t.Oracle = nil }, cutover.Inconclusive, "no PathOracle"},
		{"growth in a namespace that another unit shares cannot be told apart", nil, readings{nmi("a", 7)}, readings{nmi("a", 8)}, nil, func(t *cutover.Target) {
			t.Plan.Units = append(t.Plan.Units, cutover.Unit{ID: "other", Cluster: "c1", Namespace: "payments"})
		}, cutover.Inconclusive, "unit other shares the namespace"},
		{"nor can growth in one with a blocked unit", nil, readings{nmi("a", 7)}, readings{nmi("a", 8)}, nil, func(t *cutover.Target) {
			t.Plan.Blocked = []cutover.Blocked{{Cluster: "c1", Namespace: "payments", Accounts: []string{"batch"}}}
		}, cutover.Inconclusive, "blocked service accounts [batch]"},
		{"in a single rollout old pods may ask, while NMI refuses nobody", old, of(7, 1), of(9, 1), nil, single, cutover.Pass, ""},
		{"what it refuses is a new pod that still asks it", old, of(7, 1), of(9, 2), nil, single, cutover.Fail, "refused 1 of 2 token operations"},
		{"but it may be a pod that is scaled out with the old label, in the start-up race", bornAt("2000-01-01T00:00:30Z"), of(7, 1), of(9, 2), nil, single, cutover.Inconclusive, "Pod/api-old was born moments ago"},
		{"which one that has lived for minutes is not in", bornAt("1999-12-31T23:58:00Z"), of(7, 1), of(9, 2), nil, single, cutover.Fail, "refused 1 of 2 token operations"},
		{"where nobody counts refusals they cannot be told apart", old, readings{nmi("a", 7)}, readings{nmi("a", 9)}, nil, single, cutover.Inconclusive, "Pod/api-old is still on the old path"},
		{"nor in two rollouts, where old pods are none of the unit's", old, of(7, 1), of(9, 1), nil, nil, cutover.Inconclusive, "Pod/api-old is still on the old path"},
		{"a single rollout without old pods wants silence", nil, of(7, 1), of(9, 1), nil, single, cutover.Fail, "served 2 token operations"},
		{"a count of refusals that fell is a restart", old, of(7, 3), of(9, 1), nil, single, cutover.Inconclusive, "its counter fell"},
		{"silence in a shared namespace is silence", nil, readings{nmi("a", 7)}, readings{nmi("a", 7)}, nil, func(t *cutover.Target) {
			t.Plan.Units = append(t.Plan.Units, cutover.Unit{ID: "other", Cluster: "c1", Namespace: "payments"})
		}, cutover.Pass, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				looks := 0
				target := apiTarget(readerFuncs{list: func(cutover.Selection) ([]*unstructured.Unstructured, error) { return tc.pods, nil }})
				target.Plan = &cutover.Plan{}
				target.Oracle = oracleFuncs{oldPath: func() ([]cutover.NMIReading, error) {
					if looks++; looks == 1 {
						return tc.before, tc.err
					}
					return tc.after, tc.err
				}}
				if tc.change != nil {
					tc.change(&target)
				}
				v := cutover.OldPathSilent(time.Minute)(t.Context(), target)
				if v.Result != tc.want || !strings.Contains(v.Reason, tc.says) {
					t.Errorf("%+v; want %s with %q", v, tc.want, tc.says)
				}
			})
		})
	}
}

// endingJob shows a Job on the old path once, and then as ended; its pods are between two.
func endingJob(r cutover.Reader) cutover.Reader {
	looks := 0
	return readerFuncs{Reader: r, list: func(s cutover.Selection) ([]*unstructured.Unstructured, error) {
		if s.Kind != "Job" {
			return nil, nil
		}
		looks++
		job := map[string]any{"kind": "Job", "metadata": map[string]any{"name": "batch"},
			"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"labels": map[string]any{"aadpodidbinding": "batch"}}}}}
		if looks > 1 {
			job["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Complete", "status": "True"}}}
		}
		return []*unstructured.Unstructured{{Object: job}}, nil
	}}
}
