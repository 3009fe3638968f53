package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/cutover/cutovertest"
)

func TestTheSameCommandGoesOnWithTheApprovedPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := cutovertest.New(nil)
		c := f.AddCluster("aks-east", "eastus", 3)
		c.Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
		time.Sleep(time.Minute)
		cfg := config{journal: filepath.Join(t.TempDir(), "journal"), approve: true}
		w := &world{clusters: f.Clusters(), journal: cutovertest.NewJournal()}
		scans := 0
		choose := func(cfg config, says string) *cutover.Plan {
			t.Helper()
			var out bytes.Buffer
			p, err := w.choose(t.Context(), cfg, &out, func() (*cutover.Plan, error) {
				scans++
				return f.Plan(t.Context(), &cutover.PlanOptions{Soak: -1})
			})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), "Going on") != (says == "going on") {
				t.Errorf("it says %q, want %s", out.String(), says)
			}
			return p
		}
		work := func(p *cutover.Plan, g cutover.Gates, want cutover.State) {
			t.Helper()
			r, err := cutover.NewRunner(w.clusters, w.journal, g, nil)
			if err != nil {
				t.Fatal(err)
			}
			rep, err := r.Run(t.Context(), p)
			if err != nil || rep.Units[0].State != want {
				t.Fatalf("%+v: %v, want %s", rep.Units, err, want)
			}
		}
		held := cutovertest.PassGates()
		held.LoadAgain = cutovertest.Verdict(cutover.Inconclusive, "no load")

		choose(cfg, "a fresh plan")
		first := choose(cfg, "a fresh plan") // nothing of the other was begun
		work(first, held, cutover.Held)
		if p := choose(cfg, "going on"); p.Digest != first.Digest || scans != 2 {
			t.Errorf("after the first changes: plan %.8s by %d scans, want %.8s", p.Digest, scans, first.Digest)
		}
		if p := choose(config{journal: cfg.journal}, "going on"); p.Digest != first.Digest {
			t.Error("what is shown is not what -approve would do")
		}
		work(first, cutovertest.PassGates(), cutover.Done)
		if p := choose(cfg, "a fresh plan"); len(p.Units) != 0 || scans != 3 {
			t.Errorf("once it is done: %d units in the plan, %d scans", len(p.Units), scans)
		}
	})
}

func TestWhatIsAboutAnEarlierPlanNeedsOne(t *testing.T) {
	w := &world{journal: cutovertest.NewJournal()}
	cfg := config{journal: filepath.Join(t.TempDir(), "journal"), status: true}
	_, err := w.choose(t.Context(), cfg, &bytes.Buffer{}, func() (*cutover.Plan, error) { return nil, nil })
	if err == nil || !strings.Contains(err.Error(), "name it with -plan") {
		t.Errorf("error %v", err)
	}
}

func TestThePermissionsOfAPlanAreWrittenForEachCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := cutovertest.New(nil)
		for _, name := range []string{"aks-east", "aks-west"} {
			f.AddCluster(name, "eastus", 3).Deploy(cutovertest.App{Namespace: "shop", Name: "web"})
		}
		time.Sleep(time.Minute)
		p, err := f.Plan(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		c := config{rbac: filepath.Join(t.TempDir(), "rbac"), namespace: "journals"}
		var out bytes.Buffer
		if err := c.keep(p, &out); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"aks-east", "aks-west"} {
			text, err := os.ReadFile(filepath.Join(c.rbac, name+".yaml"))
			if err != nil || !strings.Contains(string(text), "namespace: shop") || !strings.Contains(string(text), "namespace: journals") {
				t.Errorf("%v: %s", err, text)
			}
			if !strings.Contains(out.String(), name+".yaml") {
				t.Errorf("it does not say where: %s", out.String())
			}
		}
	})
}
