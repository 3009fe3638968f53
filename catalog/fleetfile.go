package catalog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Clouds that a fleet file may name. https://learn.microsoft.com/azure/developer/go/sdk/sovereign-clouds
const (
	AzurePublic       = "AzurePublic"
	AzureUSGovernment = "AzureUSGovernment"
	AzureChina        = "AzureChina"
)

// Fleet is what a fleet file says: the clusters of a fleet, and where each is to be read.
type Fleet struct {
	// Cloud is AzurePublic where the file names none.
	Cloud    string
	Clusters []FleetCluster
	// FederatedCredentials is the path, beside the fleet file, of what the identities trust today; empty for none. See
	// [Fleet.ReadFederatedCredentials].
	FederatedCredentials string

	file string // as given
	dir  string
	// noCredentials is why FederatedCredentials cannot be read, as LoadFleet reported it.
	noCredentials *FleetError
}

// FleetCluster is one cluster of a fleet file. Either Snapshot or Context is set.
type FleetCluster struct {
	Name       string
	Region     string
	ResourceID string
	Issuer     string
	// Snapshot is a folder of manifests, or a saved snapshot, beside the fleet file.
	Snapshot string
	// Context is a context of the kubeconfig.
	Context string

	line    int
	refused *FleetError // why Snapshot must not be opened
	saved   bool        // Snapshot is a file that WriteSnapshot wrote
}

// FleetError is one thing that is wrong with a fleet file.
type FleetError struct {
	// File as it was given, and the line in it; zero where there is none.
	File string
	Line int
	// Field is the path of the offending key, such as "clusters[2].snapshot".
	Field  string
	Reason string
}

// Error names the file, the line, the key, and what to do.
func (e *FleetError) Error() string {
	var b strings.Builder
	b.WriteString("catalog: " + e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Field != "" {
		b.WriteString(": " + e.Field)
	}
	return b.String() + ": " + e.Reason
}

// maxFleetFile bounds what is read of a fleet file.
const maxFleetFile = 8 << 20

// LoadFleet reads a fleet file and checks it against the folders beside it. Paths in it are relative to its own folder, and lead nowhere
// else. All that is wrong is reported at once: the error joins a [*FleetError] for each. The fleet beside it holds what could be made
// out, so that the rest can go on: a cluster whose folder cannot be used is still a source, one that will say so. The fleet is nil only
// when the file as a whole cannot be read.
func LoadFleet(file string) (*Fleet, error) {
	dir, base := filepath.Split(file)
	if dir == "" {
		dir = "."
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &FleetError{File: file, Reason: "cannot be read: " + reasonOf(err)}
	}
	defer root.Close()
	f, err := root.Open(base)
	if err != nil {
		return nil, &FleetError{File: file, Reason: "cannot be read: " + reasonOf(err)}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFleetFile+1))
	if err != nil {
		return nil, &FleetError{File: file, Reason: "cannot be read: " + reasonOf(err)}
	}
	if len(text) > maxFleetFile {
		return nil, &FleetError{File: file, Reason: "is larger than 8 MiB; is it a fleet file?"}
	}
	p := &fleetParser{file: file, fleet: &Fleet{file: file, dir: dir}}
	p.parse(text)
	p.check(root.FS())
	if len(p.fleet.Clusters) == 0 {
		p.fleet = nil
	}
	return p.fleet, errors.Join(p.errs...)
}

// FleetSourceOptions say how the sources of a fleet read; nil means the defaults.
type FleetSourceOptions struct {
	// Kubeconfig is the file that contexts are looked up in; empty means $KUBECONFIG, else ~/.kube/config.
	Kubeconfig string
	// Files are the options for snapshot folders, Live those for contexts. What they say of the cluster itself is ignored.
	Files *FilesOptions
	Live  *LiveOptions
}

// cluster is what the file says of a cluster.
func (c *FleetCluster) cluster() Cluster {
	return Cluster{Name: c.Name, Region: c.Region, ResourceID: c.ResourceID, Issuer: c.Issuer}
}

// ReadFederatedCredentials returns the content of the file that federatedCredentials names: what the identities trust today, as
// package federation reads it. It returns nil where the fleet names none. What [LoadFleet] has found wrong with it comes back as the very
// same error, so that errors.Is tells a program that it was said before.
func (f *Fleet) ReadFederatedCredentials() ([]byte, error) {
	switch {
	case f.FederatedCredentials == "":
		return nil, nil
	case f.noCredentials != nil:
		return nil, f.noCredentials
	}
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, f.credentialsError(err)
	}
	defer root.Close()
	text, err := fs.ReadFile(root.FS(), path.Clean(f.FederatedCredentials))
	if err != nil {
		return nil, f.credentialsError(err)
	}
	return text, nil
}

func (f *Fleet) credentialsError(err error) error {
	return &FleetError{File: f.file, Field: "federatedCredentials", Reason: fmt.Sprintf("%s cannot be read: %s", shown(f.FederatedCredentials), reasonOf(err))}
}
