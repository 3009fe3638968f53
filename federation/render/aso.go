package render

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// ASOOptions are the choices of [ASO] and [ReadYAML]. The zero value is ready to use.
type ASOOptions struct {
	// Layout: zero is [PerCluster].
	Layout Layout
	// Issuer: zero is [IssuerReference], by issuerFromConfig.
	Issuer IssuerForm
	// Namespace of the objects on the cluster that runs the operator. Empty: the one into which the GitOps tool or kubectl puts them.
	// ConfigMaps with issuers must be in the same.
	Namespace string
	// ConfigMap names the ConfigMap and the key that hold a cluster's issuer: what the ManagedCluster of the operator exports with
	// spec.operatorSpec.configMaps.oidcIssuerProfile. Nil: CLUSTER-oidc, key issuer.
	ConfigMap func(cluster string) (name, key string)
	// DeleteWithObject deletes the credential in Azure when its object is deleted. False: it stays (reconcile-policy detach-on-delete),
	// so that a mistake in Git takes no token away.
	DeleteWithObject bool
}

func (o *ASOOptions) withDefaults() (ASOOptions, error) {
	var out ASOOptions
	if o != nil {
		out = *o
	}
	if out.Layout == "" {
		out.Layout = PerCluster
	}
	if out.Issuer == "" {
		out.Issuer = IssuerReference
	}
	if out.ConfigMap == nil {
		out.ConfigMap = defaultConfigMap
	}
	if !slices.Contains([]Layout{PerCluster, PerIdentity}, out.Layout) || !slices.Contains([]IssuerForm{IssuerReference, IssuerLiteral}, out.Issuer) {
		return out, fmt.Errorf("render: aso: unknown option: layout %q, issuer %q", out.Layout, out.Issuer)
	}
	return out, nil
}

func defaultConfigMap(cluster string) (name, key string) {
	return objectName(cluster + "-oidc"), "issuer"
}

// asoVersion is the API of the operator since v2.5.0
// (https://azure.github.io/azure-service-operator/reference/managedidentity/v1api20230131/#FederatedIdentityCredential).
const asoVersion = "managedidentity.azure.com/v1api20230131"

// ASO renders the trust that a plan leads to as FederatedIdentityCredential objects of Azure Service Operator: a folder with a
// kustomization per cluster or identity. The operator knows managed identities alone; what it cannot express comes back in a
// [*LeftOutError] beside the files.
func ASO(p *federation.Plan, cat *catalog.Catalog, opts *ASOOptions) (Files, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	entries, out, err := managedEntries("azure service operator", o.Issuer, p, cat)
	if err != nil {
		return nil, err
	}
	files := Files{}
	for _, f := range o.Layout.folders(entries) {
		var text bytes.Buffer
		fmt.Fprintf(&text, "# %s\n# This is %s.\n", header, f.title)
		for i, e := range f.entries {
			if i > 0 {
				text.WriteString("---\n")
			}
			doc, err := document(o.object(e))
			if err != nil {
				return nil, err
			}
			if o.Issuer == IssuerLiteral {
				doc = markLiteral(doc, e)
			}
			text.Write(doc)
		}
		files[f.path+"/federatedidentitycredentials.yaml"] = text.Bytes()
		if files[f.path+"/kustomization.yaml"], err = kustomization(f.title, o.Namespace, "federatedidentitycredentials.yaml"); err != nil {
			return nil, err
		}
	}
	return files, out.err()
}

// managedEntries returns the entries that formats for managed identities alone can express.
func managedEntries(format string, issuer IssuerForm, p *federation.Plan, cat *catalog.Catalog) ([]entry, *leftOutList, error) {
	entries, err := collect(p, cat)
	if err != nil {
		return nil, nil, err
	}
	out := &leftOutList{format: format}
	return slices.DeleteFunc(entries, func(e entry) bool {
		reason := issuer.refusal(e)
		if isApplication(e) && reason == "" {
			reason = "an app registration is not a managed identity: render it for Terraform or as a script"
		}
		if reason != "" {
			out.add(e, reason)
		}
		return reason != ""
	}), out, nil
}

func (o *ASOOptions) object(e entry) object {
	spec := object{
		"azureName": e.cred.Name,
		"owner":     object{"armId": e.identity.ResourceID},
		"audiences": []string{e.cred.Audience},
		"subject":   e.cred.Subject,
	}
	if o.Issuer == IssuerLiteral {
		spec["issuer"] = e.cred.Issuer
	} else {
		name, key := o.ConfigMap(e.cluster.Name)
		spec["issuerFromConfig"] = object{"name": name, "key": key}
	}
	meta := object{"name": credentialObject(e)}
	if o.Namespace != "" {
		meta["namespace"] = o.Namespace
	}
	if !o.DeleteWithObject {
		meta["annotations"] = object{"serviceoperator.azure.com/reconcile-policy": "detach-on-delete"}
	}
	return object{"apiVersion": asoVersion, "kind": "FederatedIdentityCredential", "metadata": meta, "spec": spec}
}

// credentialObject names the Kubernetes object of a credential, uniquely over all identities.
func credentialObject(e entry) string {
	plain := strings.Trim(notDNS.ReplaceAllString(strings.ToLower(shortName(e.identity)+"-"+e.cred.Name), "-"), "-")
	plain = strings.TrimRight(plain[:min(len(plain), maxObjectName-hashLength-1)], "-")
	return strings.TrimLeft(plain+"-"+shortHash(e.identity.Key()+"\x00"+e.cred.Name), "-")
}
