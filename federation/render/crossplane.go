package render

import (
	"fmt"
	"slices"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// CrossplaneOptions are the choices of [Crossplane]. The zero value is ready to use.
type CrossplaneOptions struct {
	// Issuer: zero is [IssuerReference], by a Composition that observes the cluster; a literal needs no Composition.
	Issuer IssuerForm
	// ProviderConfig that the managed resources use. Empty: default.
	ProviderConfig string
	// DeleteWithObject deletes the credential in Azure when its object is deleted. False: it stays (no Delete among the management
	// policies), so that a mistake in Git takes no token away.
	DeleteWithObject bool
}

// The APIs of Crossplane and of Upbound's Azure provider
// (https://marketplace.upbound.io/providers/upbound/provider-azure-managedidentity).
const (
	crossplaneVersion = "apiextensions.crossplane.io/v1"
	upboundIdentity   = "managedidentity.azure.upbound.io/v1beta1"
	upboundAKS        = "containerservice.azure.upbound.io/v1beta1"
	xrGroup           = "wimigrate.dev"
	xrVersion         = "v1alpha1"
	xrKind            = "ClusterTrust"
	xrPlural          = "clustertrusts"
	// statusIssuer is where the composite resource keeps the issuer that was observed.
	statusIssuer = "status.oidcIssuerUrl"
)

// Crossplane renders the trust that a plan leads to for Crossplane with Upbound's Azure provider, a folder per cluster. The provider's
// FederatedIdentityCredential takes the issuer as text alone, so with references each folder holds a composite resource and its
// Composition: it observes the cluster without managing it and patches the issuer that Azure reports into every credential. The
// definition of the composite resource is in definition/; the Composition needs function-patch-and-transform. What cannot be expressed
// comes back in a [*LeftOutError] beside the files.
func Crossplane(p *federation.Plan, cat *catalog.Catalog, opts *CrossplaneOptions) (Files, error) {
	var o CrossplaneOptions
	if opts != nil {
		o = *opts
	}
	if o.Issuer == "" {
		o.Issuer = IssuerReference
	}
	if o.ProviderConfig == "" {
		o.ProviderConfig = "default"
	}
	if !slices.Contains([]IssuerForm{IssuerReference, IssuerLiteral}, o.Issuer) {
		return nil, fmt.Errorf("render: crossplane: unknown issuer form %q", o.Issuer)
	}
	entries, out, err := managedEntries("crossplane", o.Issuer, p, cat)
	if err != nil {
		return nil, err
	}
	entries = slices.DeleteFunc(entries, func(e entry) bool {
		_, _, _, ok := clusterParts(e)
		if missing := o.Issuer == IssuerReference && !ok; missing {
			out.add(e, "the cluster has no resource ID by which to observe it")
			return true
		}
		return false
	})
	files := Files{}
	for _, f := range PerCluster.folders(entries) {
		if err := o.folder(files, f); err != nil {
			return nil, err
		}
	}
	if o.Issuer == IssuerReference && len(entries) > 0 {
		if files["definition/clustertrusts.yaml"], err = documents("the definition of the composite resource", definition()); err != nil {
			return nil, err
		}
		if files["definition/kustomization.yaml"], err = kustomization("the definition of the composite resource", "", "clustertrusts.yaml"); err != nil {
			return nil, err
		}
	}
	return files, out.err()
}

func (o *CrossplaneOptions) folder(files Files, f folder) error {
	var text []byte
	var err error
	name := "composition.yaml"
	if o.Issuer == IssuerReference {
		text, err = documents(f.title, o.composite(f), o.composition(f))
	} else {
		name = "federatedidentitycredentials.yaml"
		var objects []object
		for _, e := range f.entries {
			objects = append(objects, o.credential(e))
		}
		text, err = documents(f.title, objects...)
		text = markLiteral(text, f.entries[0]) // a folder is one cluster
	}
	if err != nil {
		return err
	}
	files[f.path+"/"+name] = text
	files[f.path+"/kustomization.yaml"], err = kustomization(f.title, "", name)
	return err
}

// policies are those of what Crossplane writes.
func (o *CrossplaneOptions) policies() []string {
	if o.DeleteWithObject {
		return []string{"*"}
	}
	return []string{"Observe", "Create", "Update", "LateInitialize"}
}

// credential is the managed resource; the issuer is left out where a patch sets it.
func (o *CrossplaneOptions) credential(e entry) object {
	_, group, _, _ := identityParts(e)
	provider := object{
		"audience":          []string{e.cred.Audience},
		"parentId":          e.identity.ResourceID,
		"resourceGroupName": group,
		"subject":           e.cred.Subject,
	}
	if o.Issuer == IssuerLiteral {
		provider["issuer"] = e.cred.Issuer
	}
	return object{
		"apiVersion": upboundIdentity, "kind": "FederatedIdentityCredential",
		"metadata": object{"name": credentialObject(e), "annotations": object{"crossplane.io/external-name": e.cred.Name}},
		"spec": object{
			"forProvider": provider, "managementPolicies": o.policies(), "providerConfigRef": object{"name": o.ProviderConfig},
		},
	}
}
