package cutover

import (
	"fmt"
	"slices"
	"time"
)

// loaded reports whether every workload has scaled out enough, whatever else was seen.
func (r *loadRun) loaded() bool {
	for _, y := range r.sight.tallies {
		for _, e := range r.scaleEvidence(y, y.counted(r.nodes.known)) {
			if e.Result != Pass {
				return false
			}
		}
	}
	return len(r.sight.tallies) > 0
}

// scaleEvidence says how one workload has scaled out, and how its new pods are.
func (r *loadRun) scaleEvidence(y *loadTally, births []*birth) []Evidence {
	object := y.w.String()
	_, fresh := r.newNodes(births)
	rung := Evidence{Check: "load", Object: object, Want: "a scale-out within the window", Got: r.rung(y, births, fresh), Result: Pass}
	if len(births) == 0 {
		rung.Result = Inconclusive
		return append([]Evidence{rung}, r.notesOn(object)...)
	}
	grown := r.grown(births)
	judged := grown
	if len(grown) < y.need { // it is the young ones that are waited for
		judged = births
	}
	good := 0
	var open []Evidence
	for _, b := range judged {
		v := Judge("", b.all(r.o.Calm)...)
		if v.Result == Pass {
			good++
			continue
		}
		for _, e := range v.Evidence {
			if e.Result != Pass {
				open = append(open, e)
			}
		}
	}
	pods := Evidence{Check: "V1-V3", Object: object, Want: fmt.Sprintf("%d new pods that hold", y.need),
		Got: fmt.Sprintf("%d of %d new pods hold", good, len(births)), Result: Pass}
	if young := len(births) - len(grown); young > 0 {
		pods.Got += fmt.Sprintf(", %d are younger than %s", young, r.o.Calm)
	}
	if good < y.need || good < len(grown) {
		pods.Result = Inconclusive
	}
	on, _ := r.newNodes(grown)
	nodes := Evidence{Check: "load", Object: object, Want: fmt.Sprintf("new pods on %d nodes", y.nodes), Got: fmt.Sprintf("on %d nodes", len(on)), Result: Pass}
	if len(on) < y.nodes {
		nodes.Result = Inconclusive
	}
	out := append([]Evidence{rung, pods, nodes, r.nodeEvidence(object, fresh)}, open...)
	out = append(out, r.timeEvidence(y, births)...)
	if len(births) < y.need {
		out = append(out, r.notesOn(object)...)
	}
	return out
}

// grown are the births that the window is judged by. An application that scales all the time has young pods at every look: as long as
// nothing speaks against them, they are for the gates that follow.
func (r *loadRun) grown(births []*birth) []*birth {
	return slices.DeleteFunc(slices.Clone(births), func(b *birth) bool { return !b.gone && time.Since(b.seen) < r.o.Calm })
}

func (r *loadRun) nodeEvidence(object string, fresh []string) Evidence {
	e := Evidence{Check: "load", Object: object, Want: "a node that joined within the window", Got: "no-new-node: new pods came to known nodes only", Result: Pass}
	switch {
	case len(fresh) > 0:
		e.Got = "new pods on new nodes: " + names(fresh)
	case r.o.NewNode:
		e.Result = Inconclusive
	}
	return e
}

// notesOn are the notes about a workload on why no load was induced.
func (r *loadRun) notesOn(object string) []Evidence {
	var out []Evidence
	for _, n := range slices.Concat(r.notes, r.unprobed) {
		if n.Object == object {
			out = append(out, n)
		}
	}
	return out
}

// rung names the step of the ladder that a workload has reached.
func (r *loadRun) rung(y *loadTally, births []*birth, fresh []string) string {
	out := "rung: natural scale-out"
	switch {
	case len(births) == 0:
		return "rung: idle"
	case y.probeRung(births) != "":
		return y.probeRung(births)
	case y.induced:
		out = "rung: induced scale-out"
	}
	if len(fresh) > 0 {
		out += " + new node"
	}
	return fmt.Sprintf("%s, %d pods", out, len(births))
}

// pathEvidence is what the witnesses of the path say of the counted pods: one of them must have seen enough.
func (r *loadRun) pathEvidence(counted []*birth) []Evidence {
	if r.o.birthsOnly {
		return nil
	}
	v4 := r.quiet.evidence(r.t.Unit.Namespace)
	silent := verdictIs(v4, Pass)
	said := 0
	var v5 []Evidence
	for _, b := range counted {
		if verdictIs(b.telemetry, Pass) {
			said++
		}
		for _, e := range b.telemetry {
			if e.Result == Fail {
				v5 = append(v5, e)
			}
		}
	}
	e := Evidence{Check: "V5", Object: r.t.Unit.ID, Want: "telemetry of every new pod",
		Got: fmt.Sprintf("%d of %d new pods say that their tokens come by workload identity", said, len(counted)), Result: Pass}
	told := len(counted) > 0 && said == len(counted) && !r.t.strategy().Sidecar // with the sidecar, NMI must tell
	switch {
	case told && !silent && !verdictIs(v4, Fail): // the other witness saw enough
		v4[0].Result, v4[0].Got = Pass, "not known ("+v4[0].Got+"); telemetry decides"
	case silent && !told:
		e.Got += "; NMI's silence decides"
	case !told:
		e.Result = Inconclusive
	}
	return append(append(v4, e), v5...)
}

// watchEvidence says what the looks saw.
func (r *loadRun) watchEvidence() []Evidence {
	e := Evidence{Check: "V1", Object: r.t.Unit.ID, Want: "a webhook that injects at every look",
		Got: fmt.Sprintf("clean in %d looks within %s", r.looks, time.Since(r.opened).Round(time.Second)), Result: Pass}
	if r.probed.Result != Pass {
		e.Result, e.Got = Inconclusive, r.probed.Reason
	}
	out := []Evidence{e}
	if r.sight.lost != "" || !r.sight.synced {
		out = append(out, Evidence{Check: "load", Object: r.t.Unit.ID, Want: "a watch without a gap", Got: "not there: " + r.sight.lost, Result: Inconclusive})
	}
	if r.opened.IsZero() || time.Since(r.opened) < r.o.Window {
		out = append(out, Evidence{Check: "load", Object: r.t.Unit.ID, Want: "a window of " + r.o.Window.String(), Got: "a shorter one", Result: Inconclusive})
	}
	for _, v := range r.also {
		out = append(out, r.verdictEvidence(v)...)
	}
	return out
}
