// Package credentialtest plays the Azure side of a token request: the OIDC
// issuer of a cluster, Microsoft Entra's token endpoint, NMI (the node agent of
// AAD Pod Identity) and the instance metadata service behind it.
//
// The doubles are for tests of programs that ask for tokens, ours and yours.
// They do the work instead of returning canned answers: [Issuer] signs
// service-account tokens with real RSA keys, [Entra] fetches the issuer's
// discovery document and keys over HTTP, verifies the signature, the times and
// the federated credentials, and answers with signed access tokens or with the
// AADSTS error that Entra would give; [NMI] waits, refuses and breaks as NMI
// 1.8 does; [IMDS] answers for the node, as it does when NMI is bypassed. Real
// azidentity credentials run against all of them.
//
// # Two ways to reach a double
//
// Every double is an [http.Handler], so it can be reached
//
//   - in memory: [InMemory] and [Hosts] are an [http.RoundTripper] and a
//     policy.Transporter of azcore. They start no goroutine and know only
//     package time and the request's context, so they run inside a
//     testing/synctest bubble, where an outage of 170 seconds takes no time;
//   - over sockets: [Serve] listens on 127.0.0.1, with or without TLS, and can be
//     killed, restarted on its port, made to drop SYNs, or to accept and hang.
//
// # A token, end to end
//
//	issuer, _ := credentialtest.NewIssuer("https://issuer.example/", nil)
//	dir := credentialtest.NewDirectory()
//	dir.Put(credentialtest.Identity{TenantID: tenant, ClientID: client, Credentials: []credentialtest.FederatedCredential{
//		{Name: "payments", Issuer: issuer.URL(), Subject: "system:serviceaccount:payments:api", Audience: credentialtest.ExchangeAudience},
//	}})
//	world := credentialtest.Hosts{"issuer.example": issuer}
//	entra, _ := credentialtest.NewEntra(dir, &credentialtest.EntraOptions{Transport: world})
//	world["login.microsoftonline.com"] = entra
//
// A credential whose ClientOptions.Transport is world now gets a token for an
// assertion that issuer minted, and an AADSTS70021x error for any other.
//
// # What the doubles cannot know
//
// They reproduce what is documented or was observed. How long real propagation
// takes, how often Entra errs, and the wording of a message are not contracts,
// so those are options. A test that passes against a double says that the
// program copes with the behaviour, not that Azure behaves so today.
package credentialtest
