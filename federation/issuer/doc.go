// Package issuer finds out what a cluster's OIDC issuer is, and whether Entra can use it.
//
// Four places know the issuer, and trust is as good as the one that was asked: ARM, the discovery document that the API server itself
// serves, a token that the cluster mints, and a file that somebody wrote. The token is the truth, since it is what Entra will be
// shown; [Compare] takes the best reading and turns every disagreement into a finding. [Verify] then does what Entra does with an
// issuer: fetch its discovery document and its keys.
//
//	readers := []issuer.Reader{issuer.FromCluster(cluster), issuer.FromDiscovery(kube), issuer.FromToken(kube, "default", "default", nil)}
//	results, err := issuer.Survey(ctx, []issuer.Target{{Cluster: cluster, Readers: readers}}, nil)
//
// Issuers are opaque strings and compared byte for byte: a missing slash at the end or another letter case is another issuer
// (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations).
package issuer
