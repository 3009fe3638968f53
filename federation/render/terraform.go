package render

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// Terraform renders the trust that a plan leads to, as a module per folder: federation.tf, and variables.tf, versions.tf and imports.tf
// where the options call for them. The text is as terraform fmt writes it. App registrations use the azuread provider. Entries that
// cannot be expressed come back in a [*LeftOutError] beside the files of all others.
func Terraform(p *federation.Plan, cat *catalog.Catalog, opts *TerraformOptions) (Files, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	entries, err := collect(p, cat)
	if err != nil {
		return nil, err
	}
	out := leftOutList{format: "terraform"}
	entries = slices.DeleteFunc(entries, func(e entry) bool {
		reason := o.refusal(e)
		if reason != "" {
			out.add(e, reason)
		}
		return reason != ""
	})
	if err := o.checkLabels(entries); err != nil {
		return nil, err
	}
	files := Files{}
	for _, f := range o.Layout.folders(entries) {
		t := &terraformFolder{opts: o, folder: f, labels: labels(f.entries)}
		maps.Copy(files, t.files())
	}
	return files, out.err()
}

func (o *TerraformOptions) refusal(e entry) string {
	form := IssuerReference
	if o.Issuer == FromLiteral {
		form = IssuerLiteral
	}
	if reason := form.refusal(e); reason != "" {
		return reason
	}
	if _, _, _, ok := clusterParts(e); o.Issuer == FromData && !ok {
		return "the cluster has no resource ID, which a data source needs"
	}
	return ""
}

// checkLabels makes sure that a reference leads to one cluster alone.
func (o *TerraformOptions) checkLabels(entries []entry) error {
	if o.Issuer != FromResource && o.Issuer != FromData {
		return nil
	}
	var errs []error
	taken := map[string]string{}
	for _, e := range firstOf(entries, func(e entry) string { return e.cluster.Name }) {
		label := o.Label(e.cluster.Name)
		if !hclsyntax.ValidIdentifier(label) {
			errs = append(errs, fmt.Errorf("render: terraform: label %q of cluster %s is not an identifier", label, e.cluster.Name))
		}
		if other, ok := taken[label]; ok {
			errs = append(errs, fmt.Errorf("render: terraform: clusters %s and %s share label %q: set Label", other, e.cluster.Name, label))
		}
		taken[label] = e.cluster.Name
	}
	return errors.Join(errs...)
}

// terraformFolder is one module.
type terraformFolder struct {
	opts   TerraformOptions
	folder folder
	labels []string
}

func (t *terraformFolder) files() Files {
	files := Files{}
	put := func(name string, fill func(*hclwrite.Body)) {
		f := hclwrite.NewEmptyFile()
		comment(f.Body(), header+" This is "+t.folder.title+".")
		fill(f.Body())
		files[t.folder.path+"/"+name] = hclwrite.Format(f.Bytes())
	}
	put("federation.tf", t.credentials)
	if t.opts.Issuer == FromInput {
		put("variables.tf", t.variables)
	}
	if t.opts.Issuer != FromResource {
		put("versions.tf", t.versions)
	}
	if t.opts.Import && slices.ContainsFunc(t.folder.entries, func(e entry) bool { return e.exists && !isApplication(e) }) {
		put("imports.tf", t.imports)
	}
	return files
}

// credentials writes the data sources, then one resource per credential.
func (t *terraformFolder) credentials(body *hclwrite.Body) {
	t.clusterData(body)
	t.applicationData(body)
	for i, e := range t.folder.entries {
		body.AppendNewline()
		t.credential(body, t.labels[i], e)
	}
}

// clusterData writes a data source per cluster.
func (t *terraformFolder) clusterData(body *hclwrite.Body) {
	if t.opts.Issuer != FromData {
		return
	}
	for _, e := range firstOf(t.folder.entries, func(e entry) string { return e.cluster.Name }) {
		subscription, group, name, _ := clusterParts(e)
		body.AppendNewline()
		b := body.AppendNewBlock("data", []string{"azurerm_kubernetes_cluster", t.opts.Label(e.cluster.Name)}).Body()
		t.provider(b, subscription)
		b.SetAttributeValue("name", cty.StringVal(name))
		b.SetAttributeValue("resource_group_name", cty.StringVal(group))
	}
}

// applicationData writes a data source per app registration: the resource wants its object ID, plans know its client ID.
func (t *terraformFolder) applicationData(body *hclwrite.Body) {
	applications := slices.DeleteFunc(slices.Clone(t.folder.entries), func(e entry) bool { return !isApplication(e) })
	for _, e := range firstOf(applications, func(e entry) string { return e.identity.Key() }) {
		body.AppendNewline()
		b := body.AppendNewBlock("data", []string{"azuread_application", applicationLabel(e)}).Body()
		b.SetAttributeValue("client_id", cty.StringVal(e.identity.ClientID))
	}
}

func isApplication(e entry) bool { return e.identity.Kind == catalog.Application }

func applicationLabel(e entry) string {
	return identifier("app_" + strings.ToLower(e.identity.ClientID))
}

// credential writes one resource.
func (t *terraformFolder) credential(body *hclwrite.Body, label string, e entry) {
	if isApplication(e) {
		b := body.AppendNewBlock("resource", []string{"azuread_application_federated_identity_credential", label}).Body()
		b.SetAttributeTraversal("application_id", traversal("data", "azuread_application", applicationLabel(e), "id"))
		b.SetAttributeValue("display_name", cty.StringVal(e.cred.Name))
		b.SetAttributeValue("audiences", cty.ListVal([]cty.Value{cty.StringVal(e.cred.Audience)}))
		t.issuer(b, e)
		b.SetAttributeValue("subject", cty.StringVal(e.cred.Subject))
		return
	}
	subscription, group, _, _ := identityParts(e)
	b := body.AppendNewBlock("resource", []string{"azurerm_federated_identity_credential", label}).Body()
	t.provider(b, subscription)
	b.SetAttributeValue("name", cty.StringVal(e.cred.Name))
	if t.opts.AzureRM == AzureRM3 {
		b.SetAttributeValue("resource_group_name", cty.StringVal(group))
		b.SetAttributeValue("parent_id", cty.StringVal(e.identity.ResourceID))
	} else {
		b.SetAttributeValue("user_assigned_identity_id", cty.StringVal(e.identity.ResourceID))
	}
	b.SetAttributeValue("audience", cty.ListVal([]cty.Value{cty.StringVal(e.cred.Audience)}))
	t.issuer(b, e)
	b.SetAttributeValue("subject", cty.StringVal(e.cred.Subject))
}

func (t *terraformFolder) issuer(b *hclwrite.Body, e entry) {
	label := t.opts.Label(e.cluster.Name)
	switch {
	case t.opts.Issuer == FromLiteral:
		comment(b, literalMark(e))
		b.SetAttributeValue("issuer", cty.StringVal(e.cred.Issuer))
	case t.opts.Issuer == FromResource:
		b.SetAttributeTraversal("issuer", traversal("azurerm_kubernetes_cluster", label, "oidc_issuer_url"))
	case t.opts.Issuer == FromData:
		b.SetAttributeTraversal("issuer", traversal("data", "azurerm_kubernetes_cluster", label, "oidc_issuer_url"))
	case t.opts.Layout == PerIdentity:
		b.SetAttributeTraversal("issuer", append(traversal("var", inputMap), hcl.TraverseIndex{Key: cty.StringVal(e.cluster.Name)}))
	default:
		b.SetAttributeTraversal("issuer", traversal("var", inputOne))
	}
}

// firstOf returns the first entry for each key, in order.
func firstOf(entries []entry, key func(entry) string) []entry {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(entries), func(e entry) bool {
		again := seen[key(e)]
		seen[key(e)] = true
		return again
	})
}
