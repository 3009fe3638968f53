// Package wimigrate is the root of a library that moves a fleet of AKS clusters off AAD Pod Identity (node-bound identities, NMI
// intercepting IMDS) onto Workload Identity (OIDC federation) without one failed token. The root holds no code, only this map:
//
//	sources ─► catalog.Scan ─► *Catalog ─► federation.NewPlan ─► *Plan ─► Apply ─► plan again: nothing pending
//	                              │                                 │
//	                              └───────► cutover.NewPlan ◄───────┘ ─► *Plan ─► Runner.Run ◄─ Journal, Gates
//
//	credential.New stands alone, inside the application; it meets the others only in a main
//
// Each stage reads the world, computes a plain value, then acts on it through a small interface. The values are sorted, comparable,
// JSON both ways, and identical for shuffled input, so they can be reviewed in a pull request. Planning again proves an apply;
// running again is the resume.
//
// # Packages
//
//   - [github.com/wimigrate/wimigrate/catalog]: every (namespace, service account) that needs an identity, in every cluster, and what is wrong with the estate.
//   - [github.com/wimigrate/wimigrate/federation]: the exact (issuer, subject, audience) triples each identity must trust: planned, applied, rendered, kept true.
//   - [github.com/wimigrate/wimigrate/cutover]: one namespace at a time: steps, gates, journal, resume and rollback.
//   - [github.com/wimigrate/wimigrate/credential]: what the application holds: an azcore.TokenCredential that survives the start-up race.
//
// Every package that talks to Azure or Kubernetes publishes its test doubles beside it (catalogtest, federationtest, cutovertest,
// credentialtest); they refuse what the real services refuse, and users' own tests may import them.
package wimigrate
