package credential_test

import (
	"context"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// call sends a request as a client of Azure Storage does: through azcore's pipeline
// with a BearerTokenPolicy, which asks for CAE.
func call(ctx context.Context, cred azcore.TokenCredential, service answer) (*http.Response, error) {
	bearer := runtime.NewBearerTokenPolicy(cred, []string{scope}, nil)
	pipeline := runtime.NewPipeline("storage", "v1", runtime.PipelineOptions{PerRetry: []policy.Policy{bearer}},
		&azcore.ClientOptions{Transport: transport(service)})
	req, err := runtime.NewRequest(ctx, http.MethodGet, "https://account.blob.core.windows.net/container")
	if err != nil {
		return nil, err
	}
	return pipeline.Do(req)
}
