// Package federation plans, applies and watches what Entra must trust, so that the service accounts of a fleet can become the identities
// that they need.
//
// A federated identity credential is an exact (issuer, subject, audience) triple on an identity. Entra compares it byte for byte, an
// identity holds twenty, writes to one identity must not overlap, and the issuer is another one after its cluster was rebuilt. This
// package knows those rules; each stands beside its constant with a link.
//
//	cat, err = federation.Resolve(ctx, store, cat, nil)            // identities that clusters know by client ID alone
//	have, err := federation.Observe(ctx, store, cat, nil)          // what is trusted today
//	plan, err := federation.NewPlan(cat, have, nil)                // what is needed: pure, sorted, reviewable
//	report, err := federation.Apply(ctx, store, plan, nil)         // under the published rates, resumable
//	proofs, err := federation.Prove(ctx, plan.Targets(report), mint, exchange, nil) // it works, from this cluster, now
//
// # Plan
//
// [NewPlan] takes a catalog and a [State] and says, for every need, which credential is kept, created or replaced. A [Topology] decides
// which identity each need uses; [Compare] shows what each would cost. Credentials that others made are adopted where they fit and never
// written to; deleting takes PlanOptions.Prune and two guards. Whatever breaks a rule is a finding, all of it at once, and blocks only
// the identity that it is about.
//
// A plan is a plain value. [Save] it, review it, [ApplyFile] it once. It carries digests of what it was made from, and Apply refuses an
// identity that anybody else has changed since.
//
// # Apply
//
// [Apply] needs a [Store]: package armfic has the one for managed identities, graphfic for app registrations, federationtest one in
// memory. It writes serially to each identity and in parallel across them, just below Azure's rates, repeats what may be repeated, and
// reads back. Kill it anywhere and run it again: it ends in the same place.
//
// # Keep it true
//
// [FindDrift] plans again and compares with what was. [TrustOf] gives the matrix of clusters and identities, its blast radius, what
// changed between two moments, and whether regions are isolated.
//
// # What it cannot do
//
// Azure's federated credentials have no ETag: a change by somebody else between the last look and the write is overwritten where it has
// the same name, and found by the reading back. A proof says that the replicas of Entra that answered know the trust, not that all do.
// Identities and role assignments are proposed and counted, never made.
package federation
