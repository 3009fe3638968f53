package issuer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// Origin says where an issuer was read.
type Origin string

const (
	// Token is the iss claim of a token that the cluster minted. It is what Entra will see.
	Token Origin = "token"
	// Discovery is the discovery document that the API server serves.
	Discovery Origin = "discovery"
	// ARM is properties.oidcIssuerProfile.issuerURL of the managed cluster.
	ARM Origin = "arm"
	// File is something that a person or a pipeline wrote down.
	File Origin = "file"
)

// origins lists the origins from the most to the least trusted.
func origins() []Origin { return []Origin{Token, Discovery, ARM, File} }

// ErrNone is the error of a reading whose source answered and has no issuer, as ARM does while OIDC is being enabled.
var ErrNone = errors.New("the source has no issuer")

// Reader reads one cluster's issuer in one place. Read is called once per survey and must obey its context.
type Reader struct {
	Origin Origin
	Read   func(ctx context.Context) (string, error)
}

// Reading is what one Reader said.
type Reading struct {
	Origin Origin
	// Issuer is byte for byte what was read; empty with an error.
	Issuer string
	Err    error
}

// FromValue is a reader for an issuer that is known already.
func FromValue(origin Origin, issuer string) Reader {
	return Reader{Origin: origin, Read: func(context.Context) (string, error) {
		if issuer == "" {
			return "", ErrNone
		}
		return issuer, nil
	}}
}

// FromCluster is a reader for what a catalog source, such as ARM's, has put into Cluster.Issuer. The origin is ARM where the cluster
// has a resource ID, else File.
func FromCluster(c catalog.Cluster) Reader {
	if c.ResourceID == "" {
		return FromValue(File, c.Issuer)
	}
	return FromValue(ARM, c.Issuer)
}

// maxFile bounds a file that holds an issuer, in bytes: Entra allows issuers of 600 characters.
const maxFile = 4096

// FromFile is a reader for a file that holds the issuer and nothing else but white space around it, such as what
// az aks show --query oidcIssuerProfile.issuerUrl --output tsv printed.
func FromFile(fsys fs.FS, name string) Reader {
	return Reader{Origin: File, Read: func(context.Context) (string, error) {
		f, err := fsys.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close() //nolint:errcheck // read only
		text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
		if err != nil {
			return "", err
		}
		issuer := strings.TrimSpace(string(text))
		switch {
		case issuer == "":
			return "", ErrNone
		case len(text) > maxFile || strings.ContainsAny(issuer, " \t\r\n"):
			return "", fmt.Errorf("%s holds more than an issuer", name)
		}
		return issuer, nil
	}}
}
