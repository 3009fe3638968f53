package render

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/wimigrate/wimigrate/federation"
)

// ReadTerraform reads back the credentials in the .tf files, with references to issuers resolved by the given map from cluster name to
// issuer. It understands what [Terraform] writes, in every layout and form, and plain literals; Label of the options must be the one
// that was rendered with. The result is sorted. What cannot be read or resolved is an error that names file and line, and the rest
// comes back beside it.
func ReadTerraform(files Files, issuers map[string]string, opts *TerraformOptions) ([]Trust, error) {
	label := identifier
	if opts != nil && opts.Label != nil {
		label = opts.Label
	}
	r := &terraformReader{
		issuers: issuers, folders: index(issuers, func(c, _ string) string { return ClusterFolder(c) }),
		labels: index(issuers, func(c, _ string) string { return label(c) }), clusters: index(issuers, func(_, i string) string { return i }),
	}
	var out []Trust
	var errs []error
	for _, name := range files.Paths() {
		if path.Ext(name) != ".tf" {
			continue
		}
		parsed, diags := hclsyntax.ParseConfig(files[name], name, hcl.InitialPos)
		if diags.HasErrors() {
			errs = append(errs, fmt.Errorf("render: %w", diags))
			continue
		}
		body, ok := parsed.Body.(*hclsyntax.Body)
		if !ok {
			continue
		}
		found, err := r.file(path.Dir(name), body)
		out, errs = append(out, found...), append(errs, err)
	}
	sortTrust(out)
	return out, errors.Join(errs...)
}

// terraformReader finds clusters by name, folder, label and issuer; "" stands for several.
type terraformReader struct {
	issuers, folders, labels, clusters map[string]string
}

func (r *terraformReader) file(dir string, body *hclsyntax.Body) ([]Trust, error) {
	applications := map[string]string{}
	for _, b := range body.Blocks {
		if b.Type == "data" && len(b.Labels) == 2 && b.Labels[0] == "azuread_application" {
			if id, err := literal(b.Body, "client_id"); err == nil {
				applications[b.Labels[1]] = id
			}
		}
	}
	var out []Trust
	var errs []error
	for _, b := range body.Blocks {
		if b.Type != "resource" || len(b.Labels) != 2 {
			continue
		}
		var t Trust
		var err error
		switch b.Labels[0] {
		case "azurerm_federated_identity_credential":
			t, err = r.managed(dir, b.Body)
		case "azuread_application_federated_identity_credential":
			t, err = r.application(dir, b.Body, applications)
		default:
			continue
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("render: %s: resource %q: %w", b.DefRange(), b.Labels[1], err))
			continue
		}
		out = append(out, t)
	}
	return out, errors.Join(errs...)
}

func (r *terraformReader) managed(dir string, b *hclsyntax.Body) (Trust, error) {
	parent := "user_assigned_identity_id"
	if b.Attributes[parent] == nil {
		parent = "parent_id"
	}
	id, err := literal(b, parent)
	if err != nil {
		return Trust{}, err
	}
	return r.trust(dir, b, id, "name", "audience")
}

func (r *terraformReader) application(dir string, b *hclsyntax.Body, applications map[string]string) (Trust, error) {
	at, err := reference(b, "application_id")
	if err != nil {
		return Trust{}, err
	}
	id := ""
	if len(at) == 4 && at[0] == "data" && at[1] == "azuread_application" {
		id = applications[at[2]]
	}
	if id == "" {
		return Trust{}, fmt.Errorf("application_id refers to %s, which is not a data source of this file", strings.Join(at, "."))
	}
	return r.trust(dir, b, id, "display_name", "audiences")
}

// trust reads what both kinds of resources share.
func (r *terraformReader) trust(dir string, b *hclsyntax.Body, identity, nameAttr, audienceAttr string) (Trust, error) {
	name, err1 := literal(b, nameAttr)
	subject, err2 := literal(b, "subject")
	audience, err3 := literal(b, audienceAttr)
	cluster, issuer, err4 := r.issuer(dir, b)
	return Trust{Cluster: cluster, Identity: identity, Credential: federation.Credential{
		Name: name, Issuer: issuer, Subject: subject, Audience: audience,
	}}, errors.Join(err1, err2, err3, err4)
}

// issuer resolves the issuer, and tells the cluster that it belongs to.
func (r *terraformReader) issuer(dir string, b *hclsyntax.Body) (cluster, issuer string, err error) {
	if text, err := literal(b, "issuer"); err == nil {
		return r.clusters[text], text, nil
	}
	at, err := reference(b, "issuer")
	if err != nil {
		return "", "", err
	}
	switch where := strings.Join(at, "\x00"); {
	case where == "var\x00"+inputOne:
		cluster = r.folders[path.Join(path.Base(path.Dir(dir)), path.Base(dir))]
	case len(at) == 3 && at[0] == "var" && at[1] == inputMap:
		cluster = at[2]
	case len(at) == 3 && at[0] == "azurerm_kubernetes_cluster" && at[2] == inputOne:
		cluster = r.labels[at[1]]
	case len(at) == 4 && at[0] == "data" && at[1] == "azurerm_kubernetes_cluster" && at[3] == inputOne:
		cluster = r.labels[at[2]]
	}
	if issuer, ok := r.issuers[cluster]; ok {
		return cluster, issuer, nil
	}
	return "", "", fmt.Errorf("issuer refers to %s, which is no known cluster's", strings.Join(at, "."))
}

// index maps what each cluster is known by to its name, or to "" where several share it.
func index(issuers map[string]string, key func(cluster, issuer string) string) map[string]string {
	out := make(map[string]string, len(issuers))
	for c, i := range issuers {
		k := key(c, i)
		if _, several := out[k]; several {
			c = ""
		}
		out[k] = c
	}
	return out
}

// literal reads a string, or a list of one string.
func literal(b *hclsyntax.Body, name string) (string, error) {
	attr := b.Attributes[name]
	if attr == nil {
		return "", fmt.Errorf("%s is missing", name)
	}
	v, diags := attr.Expr.Value(nil)
	if diags.HasErrors() {
		return "", fmt.Errorf("%s is not a literal", name)
	}
	if v.IsWhollyKnown() && !v.IsNull() && v.CanIterateElements() && v.LengthInt() == 1 {
		it := v.ElementIterator()
		it.Next()
		_, v = it.Element()
	}
	if v.IsNull() || !v.IsWhollyKnown() || v.Type() != cty.String {
		return "", fmt.Errorf("%s is not a string", name)
	}
	return v.AsString(), nil
}

// reference reads a traversal as its parts.
func reference(b *hclsyntax.Body, name string) ([]string, error) {
	attr := b.Attributes[name]
	if attr == nil {
		return nil, fmt.Errorf("%s is missing", name)
	}
	t, diags := hcl.AbsTraversalForExpr(attr.Expr)
	if diags.HasErrors() {
		return nil, fmt.Errorf("%s is neither a literal nor a reference", name)
	}
	var out []string
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			out = append(out, s.Name)
		case hcl.TraverseAttr:
			out = append(out, s.Name)
		case hcl.TraverseIndex:
			if s.Key.IsNull() || s.Key.Type() != cty.String {
				return nil, fmt.Errorf("%s refers to an element by number", name)
			}
			out = append(out, s.Key.AsString())
		}
	}
	return out, nil
}
