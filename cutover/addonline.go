package cutover

import (
	"cmp"
	"strings"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// addOnLine is the command that gives podIdentityProfile the entry again which an identity or binding came from. What the journal does not
// hold is left to fill in.
// https://learn.microsoft.com/cli/azure/aks/pod-identity#az-aks-pod-identity-add
func (u *unitRun) addOnLine(a *Act) string {
	name := a.Ref.Name
	if a.Ref.Kind == podidentity.KindBinding {
		name = cmp.Or(text(a.Before, "spec", "azureIdentity"), "IDENTITY")
	}
	resource, selector := "", ""
	for _, x := range u.rec.Acts {
		switch {
		case x.Verb != Delete:
		case x.Ref.Kind == podidentity.KindIdentity && x.Ref.Name == name:
			resource = text(x.Before, "spec", "resourceID")
		case x.Ref.Kind == podidentity.KindBinding && text(x.Before, "spec", "azureIdentity") == name:
			selector = text(x.Before, "spec", "selector")
		}
	}
	group, cluster := armNames(u.plan.Cluster(u.unit.Cluster), u.unit.Cluster)
	line := "az aks pod-identity add --resource-group " + group + " --cluster-name " + cluster + " --namespace " + a.Ref.Namespace +
		" --name " + name + " --identity-resource-id " + cmp.Or(resource, "RESOURCE_ID")
	if selector != "" && selector != name {
		line += " --binding-selector " + selector
	}
	return line
}

// armNames are the resource group and the name of a managed cluster in ARM, as far as the plan knows them.
func armNames(c *PlanCluster, name string) (group, cluster string) {
	group, cluster = "RESOURCE_GROUP", name
	if c == nil {
		return group, cluster
	}
	parts := strings.Split(c.ResourceID, "/")
	for i := range len(parts) - 1 {
		switch strings.ToLower(parts[i]) {
		case "resourcegroups":
			group = parts[i+1]
		case "managedclusters":
			cluster = parts[i+1]
		}
	}
	return group, cluster
}
