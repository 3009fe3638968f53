package credential

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// checkIssuer fetches the issuer's discovery document, as Entra does, and compares
// the issuer it names byte for byte. From inside a cluster the document may be out of
// reach while Entra reaches it: then the result is Unknown.
// https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationValidation
func (d *Diagnosis) checkIssuer(ctx context.Context, o azcore.ClientOptions, issuer string) {
	const name = "issuer"
	const public = "check that the cluster's OIDC issuer is enabled and that its documents are public"
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		d.add(name, Fail, fmt.Sprintf("%q is not an https URL, so Entra cannot fetch its keys", issuer), "enable the cluster's OIDC issuer")
		return
	}
	body, err := fetchDocument(ctx, o, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		d.add(name, Unknown, "the discovery document could not be fetched from here: "+redact(oneLine(err.Error())), public)
		return
	}
	var document struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	switch err := json.Unmarshal(body, &document); {
	case err != nil:
		d.add(name, Fail, "the discovery document is not JSON", public)
	case document.Issuer != issuer:
		d.add(name, Fail, fmt.Sprintf("the discovery document names %q, the pod's token %q", document.Issuer, issuer),
			"they must match byte for byte, trailing slash and letter case included")
	case document.Keys == "":
		d.add(name, Fail, "the discovery document names no keys", public)
	default:
		d.add(name, Pass, "the discovery document names "+issuer, "")
	}
}

// issuerTry leaves most of a Diagnosis' time to the token request.
const issuerTry = 5 * time.Second

func fetchDocument(ctx context.Context, o azcore.ClientOptions, url string) ([]byte, error) {
	client := single(o, issuerTry)
	pipeline := runtime.NewPipeline("wimigrate", "v0", runtime.PipelineOptions{}, &client)
	req, err := runtime.NewRequest(ctx, http.MethodGet, url)
	if err != nil {
		return nil, err
	}
	resp, err := pipeline.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d", url, resp.StatusCode)
	}
	return runtime.Payload(resp)
}
