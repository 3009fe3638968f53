package credential

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// AudienceTokenExchange is the audience of a service account token for federation.
// https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
const AudienceTokenExchange = "api://AzureADTokenExchange"

// audienceIdentityBinding is the audience of a token for an AKS identity binding.
// https://learn.microsoft.com/azure/aks/identity-bindings-concepts
const audienceIdentityBinding = "api://AKSIdentityBinding"

// readTokenFile reads the claims of the token in a file. Errors reach fs.ErrNotExist
// and fs.ErrPermission and never quote the content.
func readTokenFile(name string) (Claims, error) {
	f, err := os.Open(name) // #nosec G304 -- the path is the pod's own configuration
	if err != nil {
		return Claims{}, err
	}
	defer f.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return Claims{}, err
	}
	if strings.TrimSpace(string(b)) == "" {
		return Claims{}, fmt.Errorf("%s is empty", name)
	}
	c, err := ReadClaims(string(b))
	if err != nil {
		return Claims{}, fmt.Errorf("%s holds no service account token: %w", name, err)
	}
	return c, nil
}

// fileOutcome is the outcome of a token file that cannot be used.
func fileOutcome(err error) outcome {
	text := redact(oneLine(err.Error()))
	if errors.Is(err, fs.ErrPermission) {
		text = "permission denied"
	}
	return outcome{source: SourceTokenFile, fault: FaultFile, text: text, err: err}
}
