// Command gen writes the bundled fleet of examples/fleet: two regions, twelve clusters, as `kubectl get … -o yaml` would have dumped
// them, with a planted long tail: every kind of finding occurs at least once. Run it by `go generate ./examples/fleet`.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: gen FOLDER")
	}
	if err := write(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func write(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	var fleet strings.Builder
	fleet.WriteString(header)
	clusters := contoso()
	for _, c := range clusters {
		snapshot := c.name
		if c.name == withARM {
			snapshot += ".json"
		}
		fmt.Fprintf(&fleet, "- name: %s\n  region: %s\n  resourceID: %s\n  issuer: %s\n  snapshot: %s\n", c.name, c.region, c.resourceID(), c.issuer(), snapshot)
		for file, objects := range c.dumps() {
			if err := writeList(filepath.Join(dir, c.name, file+".yaml"), objects); err != nil {
				return err
			}
		}
		if c.name == withARM {
			if err := saveWithARM(dir, c); err != nil {
				return err
			}
		}
	}
	fleet.WriteString("federatedCredentials: fics.json\n")
	if err := os.WriteFile(filepath.Join(dir, "fleet.yaml"), []byte(fleet.String()), 0o644); err != nil {
		return err
	}
	fics, err := json.MarshalIndent(trust(clusters), "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "fics.json"), append(fics, '\n'), 0o644); err != nil {
		return err
	}
	return truncate(filepath.Join(dir, "aks-westeurope-05", "cronjobs.yaml"))
}

// withARM is the cluster whose snapshot was saved by a scan that asked ARM too.
const withARM = "aks-westeurope-04"

const header = `# The fleet that "go run ./examples/fleet" reads when no other is named. Everything in it is made up; go generate writes it anew.
cloud: AzurePublic
clusters:
`

func writeList(path string, objects []object) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	list := object{"apiVersion": "v1", "kind": "List", "metadata": object{"resourceVersion": ""}, "items": objects}
	text, err := yaml.Marshal(list)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// truncate cuts a dump in the middle of its last object, as a full disk or an impatient Ctrl-C does.
func truncate(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	cut := strings.LastIndex(string(text), "jobTemplate:") + len("jobTemp")
	return os.WriteFile(path, text[:cut], 0o644)
}
