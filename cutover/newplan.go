package cutover

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// NewPlan computes the cutover of everything in the catalog that still uses Pod Identity. It is pure: the same input, in any order,
// gives the same plan, byte for byte.
//
// What may not move yet is left out and listed in Blocked with its reasons: trust that the federation plan does not keep already,
// findings that block, clusters that were not read completely. So NewPlan succeeds on a fleet in any state; it fails only for input
// that is no catalog.
func NewPlan(cat *catalog.Catalog, fed *federation.Plan, opts *PlanOptions) (*Plan, error) {
	if cat == nil || fed == nil {
		return nil, errors.New("cutover: NewPlan needs a catalog and a federation plan")
	}
	o := opts.withDefaults()
	p := &Plan{
		Schema: Schema, CatalogDigest: digestCatalog(cat), FederationDigest: digestFederation(fed), Limits: o.Limits,
		Clusters: []PlanCluster{}, Units: []Unit{}, Blocked: []Blocked{}, Waves: []Wave{},
	}
	p.Lineage = digestJSON([]string{p.CatalogDigest, p.FederationDigest})[:16]
	clusters := map[string]catalog.Cluster{}
	for _, c := range cat.Clusters {
		if _, twice := clusters[c.Name]; twice || c.Name == "" {
			return nil, fmt.Errorf("cutover: the catalog names cluster %q twice, or not at all", c.Name)
		}
		clusters[c.Name] = c
		p.Clusters = append(p.Clusters, PlanCluster{Name: c.Name, Region: c.Region, Issuer: c.Issuer, UID: c.UID, Mode: c.PodIdentityMode, ResourceID: c.ResourceID})
	}
	slices.SortFunc(p.Clusters, func(a, b PlanCluster) int { return cmp.Compare(a.Name, b.Name) })
	f := gatherFacts(cat, o.Snapshots)
	for _, c := range components(cat.Needs) {
		cl, ok := clusters[c.cluster]
		if !ok {
			return nil, fmt.Errorf("cutover: a need of %s/%s names a cluster that the catalog does not hold", c.cluster, c.namespace)
		}
		p.addUnit(newUnit(c, cl, f), cl, cat, fed, f, o)
	}
	slices.SortFunc(p.Units, compareUnits(o))
	p.Waves = planWaves(p.Units)
	slices.SortFunc(p.Units, func(a, b Unit) int { return cmp.Compare(a.ID, b.ID) })
	p.Digest = p.computeDigest()
	return p, nil
}

func (p *Plan) addUnit(u Unit, cl catalog.Cluster, cat *catalog.Catalog, fed *federation.Plan, f *facts, o PlanOptions) {
	reasons := blockers(u, cl, cat, fed, o.Accept)
	u.declare(f, o)
	if reasons = sortedReasons(append(reasons, strategyReasons(u, f, cat, o)...)); len(reasons) > 0 {
		b := Blocked{Cluster: u.Cluster, Namespace: u.Namespace, Reasons: reasons}
		for _, a := range u.Accounts {
			b.Accounts = append(b.Accounts, a.Ref.Name)
		}
		b.Accounts = slices.Compact(b.Accounts)
		p.Blocked = append(p.Blocked, b)
		return
	}
	u.Soak = o.Soak
	u.Risks = risks(u, f, o.Limits.CanaryPods)
	u.Steps = planSteps(&u, cl, f, o)
	spellOut(&u, p.Lineage)
	p.Units = append(p.Units, u)
}

// declare gives a unit what the user declares about it.
func (u *Unit) declare(f *facts, o PlanOptions) {
	u.Mode = defaultMode(*u, f)
	if o.Mode != nil {
		u.Mode = o.Mode(*u)
	}
	if o.Strategy != nil {
		u.Strategy = o.Strategy(*u)
	}
	for i := range u.Workloads {
		u.Workloads[i].Probe = o.ProbeIdle != nil && probable(u.Workloads[i]) && o.ProbeIdle(*u, u.Workloads[i])
		if o.Attest == nil {
			continue
		}
		if a := o.Attest(*u, u.Workloads[i]); a != AttestUnknown {
			u.Workloads[i].Attested = a
		}
	}
}

// defaultMode is GitOps where a tool that puts removed labels back owns an object of the unit. Helm does so only on an upgrade, but
// then it does: the removal belongs in its values.
func defaultMode(u Unit, f *facts) Mode {
	for _, w := range u.Workloads {
		if w.Owner != "" {
			return GitOps
		}
	}
	for _, a := range u.Accounts {
		if f.owner(u.Cluster, u.Namespace, "ServiceAccount", a.Ref.Name) != "" {
			return GitOps
		}
	}
	return Direct
}

// risks says what the reviewer should know before the unit moves.
func risks(u Unit, f *facts, canary int) []string {
	var out []string
	for _, w := range u.Workloads {
		s := f.workloads[factKey{u.Cluster, u.Namespace, scaledRef(w).Kind, scaledRef(w).Name}]
		switch {
		case leftToFinish(w.Kind):
			out = append(out, w.String()+" ends on the old path; the unit cannot finish before it")
		case w.Manual:
			out = append(out, w.String()+" is of a kind that no rule knows: a person must change its pod template at "+strings.Join(w.Template, "."))
		case w.Template == nil:
			out = append(out, w.String()+" is of a kind without a known pod template: a person must change it")
		default:
			c := plannedCircumstances(u, w, s)
			if n, why := canaryOf(c, canary); n == 0 && !(w.Probe && c.pods == 0) {
				out = append(out, w.String()+" leaves the old path without a canary: "+why)
			}
		}
		idle := s.Replicas != nil && *s.Replicas == 0
		switch {
		case idle && w.Probe:
			out = append(out, w.String()+" runs no pod: it is verified by a one-pod probe, never under load")
		case idle:
			out = append(out, w.String()+noPod)
		case w.Probe && w.Kind == "CronJob":
			out = append(out, w.String()+" is run once more at each gate, unless it runs by itself in time")
		}
		if s.Replicas != nil && *s.Replicas == 1 {
			out = append(out, w.String()+" has one replica")
		}
		if s.Suspended {
			out = append(out, w.String()+" is suspended or paused")
		}
		out = append(out, u.Strategy.risks(w)...)
	}
	slices.Sort(out)
	return out
}

func compareUnits(o PlanOptions) func(a, b Unit) int {
	return func(a, b Unit) int {
		byUser := 0
		if o.Order != nil {
			byUser = o.Order(a, b)
		}
		return cmp.Or(byUser, cmp.Compare(len(a.Risks), len(b.Risks)), cmp.Compare(a.Cluster, b.Cluster),
			cmp.Compare(a.Namespace, b.Namespace), strings.Compare(a.ID, b.ID))
	}
}
