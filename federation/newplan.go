package federation

import (
	"errors"
	"slices"

	"github.com/wimigrate/wimigrate/catalog"
)

// NewPlan computes the trust that a fleet needs under a topology, against what its identities trust today. It is pure: the same
// catalog and state give the same plan, whatever their order.
//
// Every need of a cluster with a known issuer is wanted, one with findings too. A wanted triple that is there, under whatever name and
// made by whomever, is kept. A credential of ours whose issuer changed is replaced in place. Credentials of others are never written
// to, and none is deleted unless opts asks for it. What breaks a rule of Azure, all of it at once, is a finding of the plan, and Apply
// refuses the identities that a finding blocks.
//
// The error is about the arguments; what is wrong with the fleet is in Findings. A nil state means that nothing was read.
func NewPlan(cat *catalog.Catalog, have State, opts *PlanOptions) (*Plan, error) {
	if cat == nil {
		return nil, errors.New("federation: NewPlan needs a catalog")
	}
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	have = lowerKeys(have)
	ids := o.Topology.assignment(cat, o.Scope)
	p := &planner{cat: cat, have: have, opts: o, fleet: newFleet(cat), plan: &Plan{Topology: o.Topology.Name}, digest: newDigester()}
	p.plan.Changes = make([]Change, 0, len(cat.Needs))
	p.plan.Findings = append(append([]catalog.Finding{}, p.fleet.findings(cat)...), needFindings(cat, ids)...) // never null in JSON
	groups := groupNeeds(cat, have, ids)
	p.plan.Identities = make([]IdentityPlan, 0, len(groups))
	for _, g := range groups {
		p.identity(g)
	}
	sortFindings(p.plan.Findings)
	p.plan.Inputs = inputsDigest(cat, p.plan)
	return p.plan, nil
}

// planner carries one run of NewPlan.
type planner struct {
	cat    *catalog.Catalog
	have   State
	opts   PlanOptions
	fleet  *fleet
	plan   *Plan
	digest *digester
	m      matcher         // used again for each identity
	today  map[string]bool // keys of the identities that needs have today; nil until asked for
}

// proposed reports whether the topology made the identity up: no need has it today.
func (p *planner) proposed(g *group) bool {
	if p.opts.Topology.Name == TopologyKeep {
		return false
	}
	if p.today == nil {
		p.today = make(map[string]bool)
		for i := range p.cat.Needs {
			p.today[p.cat.Needs[i].Identity.Key()] = true
		}
	}
	return !p.today[g.key]
}

// identity plans one identity and appends its changes, findings and summary.
func (p *planner) identity(g *group) {
	existing, read := p.have[g.key]
	p.m.reset(p, g, existing)
	p.m.match()
	prune := p.m.prunable()
	sum := IdentityPlan{
		ID: g.identity.ID(), Identity: g.identity, Unread: !read && !p.proposed(g), Proposed: !read && p.proposed(g),
		Have: len(existing), Foreign: p.m.foreign(), State: p.digest.credentials(p.m.existing),
	}
	sum.After = sum.Have + p.m.created - len(prune)
	sum.Peak = peak(sum.Have, len(prune), p.m.created)
	first := len(p.plan.Changes)
	p.plan.Changes = p.m.appendChanges(p.plan.Changes, prune)
	changes := p.plan.Changes[first:]
	if sum.Peak > MaxCredentials {
		sum.Split = split(g.identity, changes)
		sum.Blocked = "needs more than 20 federated credentials"
		p.plan.Findings = append(p.plan.Findings, limitFinding(&sum, changes))
	}
	pending := slices.ContainsFunc(changes, func(c Change) bool { return c.Action != Keep })
	if pending && g.identity.Kind != catalog.Application && g.identity.ResourceID == "" && sum.Blocked == "" {
		sum.Blocked = "its resource ID is not known, only its client ID"
		p.plan.Findings = append(p.plan.Findings, unaddressableFinding(&sum))
	}
	p.plan.Findings = append(p.plan.Findings, p.m.findings(prune)...)
	p.plan.Identities = append(p.plan.Identities, sum)
}
