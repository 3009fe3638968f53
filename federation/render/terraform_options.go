package render

import (
	"fmt"
	"slices"
)

// TerraformIssuer says where Terraform takes a cluster's issuer from.
type TerraformIssuer string

const (
	// FromInput is an input variable that the caller of the module feeds from its cluster: oidc_issuer_url in a cluster's folder, the
	// map oidc_issuer_urls in an identity's. The default.
	FromInput TerraformIssuer = "input"
	// FromResource is azurerm_kubernetes_cluster.LABEL.oidc_issuer_url; the file belongs into the module that makes the cluster.
	FromResource TerraformIssuer = "resource"
	// FromData is a data source, written beside the credentials. The cluster's resource ID must be known.
	FromData TerraformIssuer = "data"
	// FromLiteral is a marked literal.
	FromLiteral TerraformIssuer = "literal"
)

// AzureRM is the version of the azurerm provider to write for
// (https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/resources/federated_identity_credential).
type AzureRM string

const (
	// AzureRM5 is 5.0 and later: user_assigned_identity_id. The default.
	AzureRM5 AzureRM = "5"
	// AzureRM4 is 4.65 to 4.x, where user_assigned_identity_id replaced parent_id.
	AzureRM4 AzureRM = "4"
	// AzureRM3 is 3.94 (in-place updates) to 4.64: parent_id and resource_group_name.
	AzureRM3 AzureRM = "3"
)

// TerraformOptions are the choices of [Terraform] and [ReadTerraform]. The zero value is ready to use.
type TerraformOptions struct {
	// Layout: zero is [PerCluster].
	Layout Layout
	// Issuer: zero is [FromInput].
	Issuer TerraformIssuer
	// AzureRM: zero is [AzureRM5].
	AzureRM AzureRM
	// Label names the azurerm_kubernetes_cluster resource or data source of a cluster. Nil: the cluster's name with every illegal
	// character replaced by an underscore.
	Label func(cluster string) string
	// Subscription is the one of the azurerm provider. Identities of another get a provider alias, azurerm.sub_ID, which the caller
	// configures. Empty: no aliases, all identities are the provider's.
	Subscription string
	// Import adds imports.tf, which takes credentials that exist into Terraform's state instead of failing on them (Terraform 1.5).
	// Import blocks work in root modules only, so not together with [FromInput].
	Import bool
}

func (o *TerraformOptions) withDefaults() (TerraformOptions, error) {
	var out TerraformOptions
	if o != nil {
		out = *o
	}
	if out.Layout == "" {
		out.Layout = PerCluster
	}
	if out.Issuer == "" {
		out.Issuer = FromInput
	}
	if out.AzureRM == "" {
		out.AzureRM = AzureRM5
	}
	if out.Label == nil {
		out.Label = identifier
	}
	if !slices.Contains([]AzureRM{AzureRM5, AzureRM4, AzureRM3}, out.AzureRM) ||
		!slices.Contains([]TerraformIssuer{FromInput, FromResource, FromData, FromLiteral}, out.Issuer) ||
		!slices.Contains([]Layout{PerCluster, PerIdentity}, out.Layout) {
		return out, fmt.Errorf("render: terraform: unknown option: layout %q, issuer %q, azurerm %q", out.Layout, out.Issuer, out.AzureRM)
	}
	if out.Import && out.Issuer == FromInput {
		return out, fmt.Errorf("render: terraform: import blocks belong into root modules, issuers from input variables into others: choose another Issuer")
	}
	return out, nil
}
