package render

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Names of the input variables.
const (
	inputOne = "oidc_issuer_url"
	inputMap = "oidc_issuer_urls"
)

// variables writes the input that carries issuers into the module.
func (t *terraformFolder) variables(body *hclwrite.Body) {
	body.AppendNewline()
	name, text, kind := inputOne, "OIDC issuer URL of "+t.folder.title+": the oidc_issuer_url of its azurerm_kubernetes_cluster, never a literal.", identTokens("string")
	if t.opts.Layout == PerIdentity {
		name, text = inputMap, "OIDC issuer URLs by cluster name: the oidc_issuer_url of each azurerm_kubernetes_cluster, never a literal."
		kind = hclwrite.TokensForFunctionCall("map", identTokens("string"))
	}
	b := body.AppendNewBlock("variable", []string{name}).Body()
	b.SetAttributeValue("description", cty.StringVal(text))
	b.SetAttributeRaw("type", kind)
	b.SetAttributeValue("nullable", cty.False)
}

// versions writes which providers the module needs.
func (t *terraformFolder) versions(body *hclwrite.Body) {
	body.AppendNewline()
	providers := body.AppendNewBlock("terraform", nil).Body().AppendNewBlock("required_providers", nil).Body()
	attrs := []hclwrite.ObjectAttrTokens{
		{Name: identTokens("source"), Value: hclwrite.TokensForValue(cty.StringVal("hashicorp/azurerm"))},
		{Name: identTokens("version"), Value: hclwrite.TokensForValue(cty.StringVal(t.opts.AzureRM.constraint()))},
	}
	if aliases := t.aliases(); len(aliases) > 0 && t.opts.Issuer == FromInput {
		attrs = append(attrs, hclwrite.ObjectAttrTokens{Name: identTokens("configuration_aliases"), Value: hclwrite.TokensForTuple(aliases)})
	}
	if slices.ContainsFunc(t.folder.entries, func(e entry) bool { return !isApplication(e) }) || t.opts.Issuer == FromData {
		providers.SetAttributeRaw("azurerm", hclwrite.TokensForObject(attrs))
	}
	if slices.ContainsFunc(t.folder.entries, isApplication) {
		providers.SetAttributeRaw("azuread", hclwrite.TokensForObject([]hclwrite.ObjectAttrTokens{
			{Name: identTokens("source"), Value: hclwrite.TokensForValue(cty.StringVal("hashicorp/azuread"))},
			{Name: identTokens("version"), Value: hclwrite.TokensForValue(cty.StringVal(">= 3.0.0"))},
		}))
	}
}

func (v AzureRM) constraint() string {
	switch v {
	case AzureRM3:
		return ">= 3.94.0, < 4.65.0"
	case AzureRM4:
		return ">= 4.65.0, < 5.0.0"
	case AzureRM5:
	}
	return ">= 5.0.0, < 6.0.0"
}

// imports writes an import block for each credential that exists.
func (t *terraformFolder) imports(body *hclwrite.Body) {
	for i, e := range t.folder.entries {
		if !e.exists || isApplication(e) {
			continue
		}
		body.AppendNewline()
		b := body.AppendNewBlock("import", nil).Body()
		b.SetAttributeTraversal("to", traversal("azurerm_federated_identity_credential", t.labels[i]))
		b.SetAttributeValue("id", cty.StringVal(e.identity.ResourceID+"/federatedIdentityCredentials/"+e.cred.Name))
	}
}

// provider writes the alias for a subscription that is not the provider's own.
func (t *terraformFolder) provider(b *hclwrite.Body, subscription string) {
	if t.opts.Subscription != "" && !strings.EqualFold(subscription, t.opts.Subscription) {
		b.SetAttributeTraversal("provider", traversal("azurerm", alias(subscription)))
	}
}

func alias(subscription string) string { return identifier("sub_" + strings.ToLower(subscription)) }

// aliases returns the provider aliases of the folder, sorted.
func (t *terraformFolder) aliases() []hclwrite.Tokens {
	names := map[string]bool{}
	for _, e := range t.folder.entries {
		if subscription, _, _, ok := identityParts(e); ok && t.opts.Subscription != "" && !strings.EqualFold(subscription, t.opts.Subscription) {
			names[alias(subscription)] = true
		}
	}
	var out []hclwrite.Tokens
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, hclwrite.TokensForTraversal(traversal("azurerm", name)))
	}
	return out
}

func identTokens(name string) hclwrite.Tokens { return hclwrite.TokensForIdentifier(name) }

func traversal(root string, attrs ...string) hcl.Traversal {
	t := hcl.Traversal{hcl.TraverseRoot{Name: root}}
	for _, a := range attrs {
		t = append(t, hcl.TraverseAttr{Name: a})
	}
	return t
}

// comment writes a line of comment; collect has made sure that its text is one line.
func comment(body *hclwrite.Body, text string) {
	body.AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte("# " + text + "\n")}})
}
