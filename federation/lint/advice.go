package lint

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

var (
	armPart     = regexp.MustCompile(`(?i)/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\.ContainerService/managedClusters/([^/]+)$`)
	notALabel   = regexp.MustCompile(`[^A-Za-z0-9_-]+`)
	bindingHost = "ib.oic.prod-aks."
)

// advise says what to write instead of the issuer, in the language of the file. c is the cluster that has the issuer, nil for none
// known.
func advise(lang language, text string, c *catalog.Cluster) string {
	if strings.Contains(lowerASCII(text), bindingHost) {
		return "nothing: AKS itself keeps the credential of an identity binding (aks-identity-binding)"
	}
	label, symbol, show := "<cluster>", "<cluster>", "az aks show --resource-group <group> --name <cluster>"
	if c != nil {
		label = notALabel.ReplaceAllString(c.Name, "_")
		symbol = strings.ReplaceAll(label, "-", "_")
		if m := armPart.FindStringSubmatch(c.ResourceID); m != nil {
			show = fmt.Sprintf("az aks show --subscription %s --resource-group %s --name %s", m[1], m[2], m[3])
		}
	}
	show += " --query oidcIssuerProfile.issuerUrl --output tsv"
	switch lang {
	case terraform:
		return fmt.Sprintf("azurerm_kubernetes_cluster.%s.oidc_issuer_url (the resource, or a data source of that type), or an input variable that the cluster's module feeds", label)
	case tfvars:
		return fmt.Sprintf("no value here: pass azurerm_kubernetes_cluster.%s.oidc_issuer_url where the module is called", label)
	case terraformJSON:
		return fmt.Sprintf("${azurerm_kubernetes_cluster.%s.oidc_issuer_url}", label)
	case bicep:
		return fmt.Sprintf("%s.properties.oidcIssuerProfile.issuerURL of an existing Microsoft.ContainerService/managedClusters resource", symbol)
	case yamlText:
		return "a reference: issuerFromConfig (Azure Service Operator), a patch from the cluster's status (Crossplane), or a value that the pipeline reads with: " + show
	case jsonText:
		return "an expression: reference(<cluster's resource ID>, '2024-09-01').oidcIssuerProfile.issuerURL in a template, or a value that the pipeline reads with: " + show
	case shell:
		return fmt.Sprintf(`"$(%s)"`, show)
	case powerShell:
		return fmt.Sprintf("$(%s)", show)
	case markdown:
		return "the command that reads it: " + show
	}
	return show
}
