// Package federationtest plays the services that hold federated credentials. It is made for tests: those of this library, and those of
// programs that use it.
//
// A [Cloud] is one tenant in memory: identities, app registrations and the credentials they trust. It has three faces over one state:
//
//   - [Cloud.Store] is a federation.Store;
//   - [Cloud.ARM] speaks Azure Resource Manager's HTTP and JSON, under the real armmsi client or behind a real listener;
//   - [Cloud.Graph] speaks Microsoft Graph's.
//
// All of them refuse what Azure refuses: the 21st credential, a second name for an issuer and subject, a name or an audience that is not
// legal, overlapping writes to one identity, a missing identity, an unsupported region, and requests above the published rates. They can
// be slow, show old state, lose replies, and fail on a script. [Cloud.Trusts] says what Entra would honour by now.
//
// [TestStore] is the conformance suite of federation.Store; the stores in memory, over ARM and over Graph all pass it.
//
// What it does not do: check tokens or permissions, create identities, or hold flexible credentials that match expressions.
// A green test here says that a program obeys the rules written down in this package, not that Azure has no other.
//
// Everything waits with timers and contexts alone, so it runs inside testing/synctest.
package federationtest
