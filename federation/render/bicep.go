package render

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// BicepOptions are the choices of [Bicep]. The zero value is ready to use.
type BicepOptions struct {
	// Issuer: zero is [IssuerReference], by existing clusters.
	Issuer IssuerForm
}

// The API versions of Bicep's types (https://learn.microsoft.com/azure/templates/microsoft.managedidentity/userassignedidentities/federatedidentitycredentials).
const (
	bicepIdentity = "Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30"
	bicepFIC      = "federatedIdentityCredentials"
	bicepCluster  = "Microsoft.ContainerService/managedClusters@2024-09-01"
)

// Bicep renders the trust that a plan leads to as a folder per identity: identity.bicep, deployed to the identity's resource group, and
// main.bicep, which does so from a subscription. The credentials of one identity depend on each other in a chain, because Azure refuses
// concurrent writes to one identity with 409. Deployments never delete a credential that is no longer in the file. What cannot be
// expressed comes back in a [*LeftOutError] beside the files.
func Bicep(p *federation.Plan, cat *catalog.Catalog, opts *BicepOptions) (Files, error) {
	form := IssuerReference
	if opts != nil && opts.Issuer != "" {
		form = opts.Issuer
	}
	if !slices.Contains([]IssuerForm{IssuerReference, IssuerLiteral}, form) {
		return nil, fmt.Errorf("render: bicep: unknown issuer form %q", form)
	}
	entries, out, err := managedEntries("bicep", form, p, cat)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e entry) bool {
		if _, _, _, ok := clusterParts(e); form == IssuerReference && !ok {
			out.add(e, "the cluster has no resource ID by which to refer to it")
			return true
		}
		return false
	})
	files := Files{}
	for _, f := range PerIdentity.folders(entries) {
		files[f.path+"/identity.bicep"] = bicepModule(f, form)
		files[f.path+"/main.bicep"] = bicepMain(f)
	}
	return files, out.err()
}

// bicepMain deploys the module to where the identity is.
func bicepMain(f folder) []byte {
	subscription, group, _, _ := identityParts(f.entries[0])
	var b bytes.Buffer
	fmt.Fprintf(&b, "// %s\n// This is %s.\n\ntargetScope = 'subscription'\n\n", header, f.title)
	fmt.Fprintf(&b, "module federation 'identity.bicep' = {\n  name: 'federation-%s'\n", shortHash(f.entries[0].identity.Key()))
	fmt.Fprintf(&b, "  scope: resourceGroup(%s, %s)\n}\n", bicepString(subscription), bicepString(group))
	return b.Bytes()
}

// bicepModule writes the existing identity and clusters, then the chain of credentials.
func bicepModule(f folder, form IssuerForm) []byte {
	var b bytes.Buffer
	_, _, identity, _ := identityParts(f.entries[0])
	fmt.Fprintf(&b, "// %s\n// This is %s.\n\ntargetScope = 'resourceGroup'\n\n", header, f.title)
	fmt.Fprintf(&b, "resource identity '%s' existing = {\n  name: %s\n}\n", bicepIdentity, bicepString(identity))
	symbols := map[string]string{}
	if form == IssuerReference {
		for i, e := range firstOf(f.entries, func(e entry) string { return e.cluster.Name }) {
			subscription, group, name, _ := clusterParts(e)
			symbols[e.cluster.Name] = fmt.Sprintf("cluster%d", i+1)
			fmt.Fprintf(&b, "\nresource %s '%s' existing = {\n  name: %s\n  scope: resourceGroup(%s, %s)\n}\n",
				symbols[e.cluster.Name], bicepCluster, bicepString(name), bicepString(subscription), bicepString(group))
		}
	}
	for i, e := range f.entries {
		fmt.Fprintf(&b, "\nresource credential%d '%s' = {\n  parent: identity\n  name: %s\n  properties: {\n    audiences: [\n      %s\n    ]\n",
			i+1, strings.Replace(bicepIdentity, "@", "/"+bicepFIC+"@", 1), bicepString(e.cred.Name), bicepString(e.cred.Audience))
		if form == IssuerLiteral {
			fmt.Fprintf(&b, "    // %s\n    issuer: %s\n", literalMark(e), bicepString(e.cred.Issuer))
		} else {
			fmt.Fprintf(&b, "    issuer: %s.properties.oidcIssuerProfile.issuerURL\n", symbols[e.cluster.Name])
		}
		fmt.Fprintf(&b, "    subject: %s\n  }\n", bicepString(e.cred.Subject))
		if i > 0 {
			fmt.Fprintf(&b, "  dependsOn: [\n    credential%d\n  ]\n", i)
		}
		b.WriteString("}\n")
	}
	return b.Bytes()
}

// bicepString quotes by the rules of Bicep (https://learn.microsoft.com/azure/azure-resource-manager/bicep/data-types#strings).
func bicepString(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, `${`, `\${`).Replace(s) + "'"
}
