package cutovertest

import (
	"context"
	"slices"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// instant looks at every Ready pod. The caller holds the lock.
func (g *Guard) instant() {
	if g == nil {
		return
	}
	for _, name := range g.fleet.names {
		c := g.fleet.clusters[name]
		lost := false
		for _, w := range c.sets { // quickly, in any order
			lost = lost || slices.ContainsFunc(w.pods, (*pod).lost)
		}
		if !lost {
			continue
		}
		for _, w := range c.workloads() {
			for _, p := range w.pods {
				if p.lost() {
					g.breach(KeepsPath, "%s: pod %s/%s has no way to a token", name, p.o.ns(), p.o.name())
				}
			}
		}
	}
}

func (p *pod) lost() bool { return p.ready && !p.lied && !p.hasPath() }

// hasPath reports whether the pod's application can get a token of its identity by the way that it takes.
func (p *pod) hasPath() bool {
	c := p.w.c
	if p.redirected && !p.proxied && p.w.app.SDK == SDKOld {
		return false
	}
	if !p.newWay() {
		return c.nmi.identity(c, p) != nil
	}
	return p.client == p.w.app.clientID() && c.fleet.trusts(p.client, c.issuer, workloadid.Subject(p.o.ns(), p.account), workloadid.Audience)
}

// tokenFailed notes a pod that found no token for longer than its patience.
func (g *Guard) tokenFailed(p *pod, err error) {
	if g != nil && !p.lied {
		g.breach(KeepsPath, "%s: pod %s/%s found no token: %v", p.w.c.name, p.o.ns(), p.o.name(), err)
	}
}

// Gates puts the guard behind the gates that judge the path of pods: when one passes, the guard looks at what the pods really do.
func (g *Guard) Gates(in cutover.Gates) cutover.Gates {
	for _, gate := range []*cutover.Gate{&in.Load, &in.Canary, &in.Unbound, &in.LoadAgain, &in.Soak} {
		inner := *gate
		*gate = func(ctx context.Context, t cutover.Target) cutover.Verdict {
			v := inner(ctx, t)
			if v.Result == cutover.Pass && (t.Step.Kind != cutover.StepCanary || t.Canary > 0) {
				g.passed(t)
			}
			return v
		}
	}
	return in
}

func (g *Guard) passed(t cutover.Target) {
	f := g.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	f.catchUp()
	c := f.clusters[t.Unit.Cluster]
	for _, w := range t.Workloads {
		for _, p := range c.podsOf(w) {
			if !p.ready || !judged(t.Step.Kind, p) {
				continue
			}
			if !p.newWay() || p.client != p.w.app.clientID() {
				g.breach(JudgesSoundly, "%s passed, but pod %s of %s is not on the new path", t.Step.ID, p.o.name(), t.Unit.ID)
			}
		}
	}
}

// judged reports whether a pod is one of those that the gate of a step is about.
func judged(k cutover.StepKind, p *pod) bool {
	old := p.label != ""
	switch {
	case k == cutover.StepLoad:
		return str(child(p.o.data, "metadata", "labels"), workloadid.UseLabel) == workloadid.UseValue
	case k == cutover.StepCanary, p.w.kind() == "Job": // a Job that was begun before ends as it began
		return !old
	}
	return true
}

// podsOf are the pods of a workload, of the Rollout that runs its template, or of the Jobs that it made.
func (c *Cluster) podsOf(w cutover.Workload) []*pod {
	ref := w.Ref
	if w.Borrower != nil {
		ref = *w.Borrower
	}
	o := c.find(ref.Kind, ref.Namespace, ref.Name)
	if o == nil {
		return nil
	}
	var out []*pod
	for _, x := range c.workloads() {
		owners := x.o.u().GetOwnerReferences()
		if x.uid == o.uid() || len(owners) > 0 && string(owners[0].UID) == o.uid() {
			out = append(out, x.pods...)
		}
	}
	return out
}
