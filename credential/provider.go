package credential

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// provider gets a token with a single request. It is safe for concurrent use.
type provider struct {
	path Path
	// try sends one request. On failure the outcome says what happened.
	try func(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, outcome, error)
	// client is what else is asked with, for a Diagnosis.
	client azcore.ClientOptions
	// timeout ends a try.
	timeout time.Duration
	// overlap permits a new try beside one that is not answered.
	overlap bool
}

// single makes an azidentity credential send one request, so that one schedule governs.
func single(o azcore.ClientOptions, timeout time.Duration, last ...policy.Policy) azcore.ClientOptions {
	o.Retry = policy.RetryOptions{MaxRetries: -1, TryTimeout: timeout}
	o.PerRetryPolicies = append(append([]policy.Policy(nil), o.PerRetryPolicies...), last...)
	return o
}
