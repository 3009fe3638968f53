// Package credential gets tokens for an application in a pod, over the right path,
// for the right identity, through every race of a start.
//
//	cred, err := credential.New(nil) // everything is in the pod's environment
//	if err != nil {
//		return err
//	}
//	if err := cred.Ready(ctx, "https://storage.azure.com/.default"); err != nil {
//		return err // says what is missing, and where
//	}
//	client, err := azblob.NewClient(url, cred, nil)
//
// Patience belongs in [Credential.Ready], or in the readiness probe that
// [Credential.ReadyHandler] serves: before a pod takes traffic, waiting costs nothing.
// [Credential.GetToken] is what requests call. Once there has been a token it is
// short-tempered, and every caller returns when its own context ends.
//
// # Paths
//
// [New] takes the path that the pod's environment carries: [WorkloadIdentity] if the
// webhook has injected a token file, through an AKS identity binding where one is
// set up, else [PodIdentity]. The choice is pinned. Nothing falls back silently; a
// [Fallback] is asked for, loud, and ends at a date.
//
// On the PodIdentity path the answer may come from NMI, from the migration proxy, or,
// when nothing intercepts the request, from the node: then it may be the node's
// identity. So a client ID is required, the claims of every token are compared with
// it, and a token of another identity is refused before anything can cache it.
//
// # Retries
//
// One table, [Decisions], says for every known answer whether waiting can help.
// Until the first success failures are retried for a start-up window of 3 minutes,
// measured from the first of them, and afterwards for 15 seconds. azidentity's
// and azcore's own retries are switched off inside, and azcore never retries a
// [TokenError]: one schedule governs.
//
// Inside the window a new request, on a new connection, leaves at most 1.5 seconds
// after the one before, whether that one failed or is still open: NMI holds requests
// for up to 100 seconds and then answers, a lost connection never answers, and from
// outside they look the same. At most four requests for a token are open at a time.
// A source that has recovered is therefore noticed within 2 seconds. Two answers
// slow the pace: a Retry-After is obeyed (the promise then counts from the moment it
// permits; one that reaches beyond the window ends with it), and answers that mean propagation in Entra are
// repeated after about 1 to 8 seconds, because Entra remembers what it did not find.
// All retries of a Credential are at least 250 ms apart, for any number of scopes.
//
// A program that asks in a loop after the window has closed gets the last failure
// again for one second, without a request: the metadata service serves the whole node.
//
// # Lifetime
//
// A request to the source belongs to all who wait for its token, so it does not end
// with the caller who started it; it ends with its window, and leaves nothing behind.
// There is nothing to close, and nothing runs while nobody asks. Transports must end
// a request when its context ends. Values in the caller's context, such as azcore's
// retry options and headers, do not reach the token request: others may share it.
//
// In a testing/synctest bubble a test that leaves a request behind sleeps until the
// window has closed, or the bubble finds a goroutine at its end.
//
// # Without this package
//
// Who only needs workload identity to sit out propagation may do without it:
// azidentity repeats an answer that policy.RetryOptions.ShouldRetry accepts, three
// times by default. The example "without this package" shows how.
//
// # What it cannot know
//
// Claims are read, not verified: the check catches a node that answers for itself, not
// a forger. A resource whose tokens are not JWTs cannot be checked, see
// Options.AcceptOpaque. The entry for a scope stays in memory as long as the
// Credential. How long propagation takes is known to nobody.
package credential
