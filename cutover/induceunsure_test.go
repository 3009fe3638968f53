package cutover_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

// unsure is a cluster whose first write to an autoscaler fails, as meanwhile says.
type unsure struct {
	cutover.Cluster
	meanwhile func(write func()) // may have the write made after all
	done      *bool
}

// Write implements cutover.Cluster.
func (b unsure) Write(ctx context.Context, w cutover.Write) (*unstructured.Unstructured, error) {
	if w.Ref.Kind != "HorizontalPodAutoscaler" || *b.done {
		return b.Cluster.Write(ctx, w)
	}
	*b.done = true
	b.meanwhile(func() { _, _ = b.Cluster.Write(ctx, w) })
	return nil, errors.New("unexpected EOF")
}

// Of a raise that failed nobody knows whether it was made. A number that somebody else had in mind too is theirs, and a second raise is put
// back to what was before the first.
func TestAnInductionThatMayHaveBeenMadeIsPutBackIfItWasOurs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name         string
		theirs, made bool
		again        int64 // raised to this afterwards; 0 for not
		want         int64
	}{
		{name: "it was not made", want: 4},
		{name: "it was made", made: true, want: 4},
		{name: "somebody else made the same", theirs: true, want: 8},
		{name: "it was not made, and is made again", again: 8, want: 4},
		{name: "it was made, and another on top of it", made: true, again: 10, want: 4},
		{name: "somebody else made the same, and another is made on top of theirs", theirs: true, again: 10, want: 8},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			f, sim := oneApp(t, cutovertest.App{Replicas: 4, HPA: true})
			p := planFor(t, f, &cutover.PlanOptions{Soak: 10 * time.Minute, Limits: cutover.Limits{InducePods: 20}})
			world := unsure{f.Clusters()[sim.Name()], func(write func()) {
				if tc.made {
					write()
				}
				if tc.theirs {
					sim.Edit("HorizontalPodAutoscaler", "shop", "web", "kubectl", func(o map[string]any) { o["spec"].(map[string]any)["minReplicas"] = int64(8) })
				}
			}, new(bool)}
			g := cutovertest.PassGates()
			g.Load = func(ctx context.Context, tg cutover.Target) cutover.Verdict {
				hpa := cutover.Ref{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: "shop", Name: "web"}
				raise := func(to int64) error {
					return tg.Induce(ctx, cutover.Induction{Object: hpa, Path: []string{"spec", "minReplicas"}, To: to, Extra: 1})
				}
				if err := raise(8); err == nil {
					t.Error("the first write did not fail")
				}
				if tc.again > 0 {
					if err := raise(tc.again); err != nil {
						t.Error(err)
					}
				}
				return cutover.Verdict{Result: cutover.Pass}
			}
			r, err := cutover.NewRunner(map[string]cutover.Cluster{sim.Name(): world}, cutovertest.NewJournal(), g, &cutover.Options{Trust: f, Exchanger: f, Oracle: f})
			if err != nil {
				t.Fatal(err)
			}
			wantStates(t, mustRun(t, r, p), cutover.Done)
			if n := sim.Dump()["HorizontalPodAutoscaler/shop/web"]["spec"].(map[string]any)["minReplicas"]; n != tc.want {
				t.Errorf("minReplicas is %v in the end, want %d", n, tc.want)
			}
		})
	}
}
