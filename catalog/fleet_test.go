package catalog_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
)

// writeFleet lays out a fleet file with one snapshot folder, and returns its path.
func writeFleet(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"fleet.yaml": text, "one/dump.yaml": dump, "fics.json": "[]"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "fleet.yaml")
}

func TestAFleetFileGivesSources(t *testing.T) {
	file := writeFleet(t, `
clusters:
- name: one
  region: eastus
  issuer: https://issuer.example/one/
  snapshot: one
federatedCredentials: fics.json
`)
	fleet, err := catalog.LoadFleet(file)
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Scan(t.Context(), fleet.Sources(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c := cat.Clusters[0]; c.Name != "one" || c.Region != "eastus" || c.Issuer != "https://issuer.example/one/" || !c.Coverage.Complete {
		t.Errorf("cluster %+v", c)
	}
	if fics, err := fleet.ReadFederatedCredentials(); err != nil || string(fics) != "[]" || fleet.Cloud != catalog.AzurePublic {
		t.Errorf("federated credentials %q, error %v, cloud %q", fics, err, fleet.Cloud)
	}
}

func TestWhatIsWrongWithAFleetFileIsNamedWithItsLine(t *testing.T) {
	one := "clusters:\n- name: one\n  snapshot: one\n"
	for name, tt := range map[string]struct{ text, want string }{
		"an unknown key":                  {one + "  regoin: eastus\n", `:4: clusters[0].regoin: is not a key of a fleet file here; the keys are context, issuer, name, region, resourceID, snapshot`},
		"a key twice":                     {one + "  name: two\n", ":4: clusters[0].name: appears twice; keep one"},
		"a number for a name":             {"clusters:\n- name: 1\n  snapshot: one\n", ":2: clusters[0].name: is no string; put it in quotes"},
		"no name":                         {"clusters:\n- snapshot: one\n", ":2: clusters[0].name: is missing; every cluster needs a name"},
		"two clusters of one name":        {one + "- name: one\n  snapshot: one\n", `:4: clusters[1].name: "one" is the name of the cluster in line 2 too; rename one of them`},
		"a folder that is not there":      {"clusters:\n- name: one\n  snapshot: two\n", `:2: clusters[0].snapshot: "two": no such file or directory; paths are relative to the fleet file`},
		"a folder outside":                {"clusters:\n- name: one\n  snapshot: ../one\n", `:2: clusters[0].snapshot: "../one" leaves the folder of the fleet file; use a path beside it, without ..`},
		"an absolute folder":              {"clusters:\n- name: one\n  snapshot: /etc\n", `:2: clusters[0].snapshot: "/etc" leaves the folder of the fleet file; use a path beside it, without ..`},
		"neither folder nor context":      {"clusters:\n- name: one\n", ":2: clusters[0]: says neither snapshot nor context; name the folder or the kubeconfig context to read"},
		"both":                            {one + "  context: x\n", ":2: clusters[0]: says both snapshot and context; the snapshot is read, remove one of them"},
		"clusters that are no list":       {"clusters: one\n", ":1: clusters: is no list; begin each cluster with a dash"},
		"no clusters":                     {"cloud: AzurePublic\n", ":1: clusters: is missing or empty; list the clusters of the fleet"},
		"a cloud that is none":            {"cloud: Azure\n" + one, `:1: cloud: "Azure" is no cloud; use AzurePublic, AzureUSGovernment or AzureChina`},
		"what is no YAML":                 {"clusters:\n- {\n", ": is not YAML: "},
		"an empty file":                   {"", ": is empty; it needs at least clusters"},
		"credentials that are not beside": {one + "federatedCredentials: ../x\n", `: federatedCredentials: "../x" leaves the folder of the fleet file; use a path beside it, without ..`},
	} {
		t.Run(name, func(t *testing.T) {
			file := writeFleet(t, tt.text)
			_, err := catalog.LoadFleet(file)
			if _, typed := errors.AsType[*catalog.FleetError](err); !typed || !strings.Contains(err.Error(), "catalog: "+file) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestAFleetGoesOnWithoutTheClusterThatIsWrong(t *testing.T) {
	fleet, err := catalog.LoadFleet(writeFleet(t, "owner: me\nclusters:\n- name: bad\n  snapshot: ../x\n- name: one\n  snapshot: one\n"))
	if fleet == nil || err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Fatalf("fleet %v, error %v", fleet, err)
	}
	var told []string
	cat, err := catalog.Scan(t.Context(), fleet.Sources(nil), &catalog.ScanOptions{Concurrency: 1, OnProgress: func(p catalog.Progress) {
		if p.Done {
			told = append(told, p.Cluster)
		}
	}})
	if failed, ok := errors.AsType[*catalog.ClusterError](err); !ok || failed.Cluster != "bad" {
		t.Errorf("error %v", err)
	}
	if len(cat.Clusters) != 2 || cat.Clusters[0].Coverage.Complete || !cat.Clusters[1].Coverage.Complete {
		t.Errorf("clusters %+v", cat.Clusters)
	}
	if diff := cmp.Diff([]string{"bad", "one"}, told); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestWhatIsWrongInAFleetFileIsOneErrorHoweverOftenItIsMet(t *testing.T) {
	fleet, loaded := catalog.LoadFleet(writeFleet(t, "clusters:\n- name: one\n  snapshot: nowhere\nfederatedCredentials: gone.json\n"))
	if fleet == nil || !strings.Contains(loaded.Error(), ":4: federatedCredentials: \"gone.json\"") {
		t.Fatalf("fleet %v, error %v", fleet, loaded)
	}
	if _, err := fleet.ReadFederatedCredentials(); err == nil || !errors.Is(loaded, err) {
		t.Errorf("the credentials' error %v was not in %v", err, loaded)
	}
	_, scanned := catalog.Scan(t.Context(), fleet.Sources(nil), nil)
	said, ok := errors.AsType[*catalog.FleetError](scanned)
	if !ok || !errors.Is(loaded, said) || said.Field != "clusters[0].snapshot" {
		t.Errorf("the scan's error %v does not lead to %v", scanned, loaded)
	}
}

func TestAFleetReplaysASavedSnapshot(t *testing.T) {
	file := writeFleet(t, "clusters:\n- name: one\n  region: eastus\n  snapshot: saved.json\n")
	f, err := os.Create(filepath.Join(filepath.Dir(file), "saved.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := catalog.WriteSnapshot(f, &catalog.Snapshot{Cluster: catalog.Cluster{Name: "then", UID: "u", Coverage: catalog.Coverage{Complete: true}}}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	fleet, err := catalog.LoadFleet(file)
	if err != nil {
		t.Fatal(err)
	}
	snaps, err := catalog.ReadAll(t.Context(), fleet.Sources(nil), nil)
	if err != nil || snaps[0].Cluster.Name != "one" || snaps[0].Cluster.Region != "eastus" || snaps[0].Cluster.UID != "u" {
		t.Errorf("snapshot %+v, error %v", snaps, err)
	}
}
