package fleet

import (
	"fmt"
	"os"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/internal/e2e/azure"
)

// Kubeconfig is the path of a kubeconfig with one context per cluster, named after it.
func (f *Fleet) Kubeconfig() string { return f.file("kubeconfig") }

func (f *Fleet) writeKubeconfig() error {
	all := api.NewConfig()
	for _, c := range f.Clusters {
		one, err := clientcmd.LoadFromFile(c.Plane.Kubeconfig())
		if err != nil {
			return fmt.Errorf("fleet: %w", err)
		}
		all.Clusters[c.Name], all.AuthInfos[c.Name], all.Contexts[c.Name] = one.Clusters[c.Name], one.AuthInfos[c.Name], one.Contexts[c.Name]
	}
	all.CurrentContext = f.Clusters[0].Name
	if err := clientcmd.WriteToFile(*all, f.Kubeconfig()); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	return nil
}

// fleetFile is fleet.yaml, as examples/fleet reads it.
type fleetFile struct {
	Cloud    string        `json:"cloud"`
	Clusters []clusterFile `json:"clusters"`
}

type clusterFile struct {
	Name       string `json:"name"`
	Region     string `json:"region"`
	ResourceID string `json:"resourceID"`
	Issuer     string `json:"issuer"`
	Context    string `json:"context,omitempty"`
	Snapshot   string `json:"snapshot,omitempty"`
}

// WriteFleetFile writes a fleet.yaml that reads the live clusters by their contexts; with snapshots, one folder beside the file for each
// cluster instead.
func (f *Fleet) WriteFleetFile(path string, snapshots bool) error {
	file := fleetFile{Cloud: "AzurePublic"}
	for _, c := range f.Clusters {
		entry := clusterFile{Name: c.Name, Region: c.Region, Issuer: c.Issuer(), ResourceID: resourceID(c.Name)}
		if snapshots {
			entry.Snapshot = c.Name
		} else {
			entry.Context = c.Name
		}
		file.Clusters = append(file.Clusters, entry)
	}
	b, err := yaml.Marshal(file)
	if err == nil {
		err = os.WriteFile(path, b, 0o644)
	}
	if err != nil {
		return fmt.Errorf("fleet: write %s: %w", path, err)
	}
	return nil
}

func resourceID(cluster string) string {
	return strings.Join([]string{"/subscriptions", azure.SubscriptionID, "resourceGroups", "rg-" + cluster,
		"providers/Microsoft.ContainerService/managedClusters", cluster}, "/")
}
