package catalogtest

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"testing/fstest"

	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/catalog"
)

// Fleet is a fleet that was built, and what a catalog of it must say.
type Fleet struct {
	Snapshots []*catalog.Snapshot
	Truth     Truth
}

// Files writes the fleet as a fleet file, fleet.yaml, with a folder of manifests for each cluster. Facts of ARM are not in it.
func (f *Fleet) Files() fstest.MapFS {
	out := fstest.MapFS{}
	var clusters []fields
	for _, s := range f.Snapshots {
		c := s.Cluster
		clusters = append(clusters, fields{"name": c.Name, "region": c.Region, "resourceID": c.ResourceID, "issuer": c.Issuer, "snapshot": c.Name})
		for name, file := range Manifests(s) {
			out[path.Join(c.Name, name)] = file
		}
	}
	text, err := yaml.Marshal(fields{"cloud": "AzurePublic", "clusters": clusters})
	if err != nil {
		panic("catalogtest: plain maps always marshal: " + err.Error())
	}
	out["fleet.yaml"] = &fstest.MapFile{Data: text, Mode: 0o644}
	return out
}

// Write puts [Fleet.Files] into a folder, which it makes, and returns the path of the fleet file.
func (f *Fleet) Write(dir string) (string, error) {
	var errs []error
	for name, file := range f.Files() {
		at := filepath.Join(dir, filepath.FromSlash(name))
		errs = append(errs, os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, file.Data, 0o644))
	}
	return filepath.Join(dir, "fleet.yaml"), errors.Join(errs...)
}
