package render

// compositionName ties a composite resource to its Composition.
func compositionName(f folder) string { return objectName("trust-" + f.entries[0].cluster.Name) }

// composite is the resource that stands for the trust of one cluster.
func (o *CrossplaneOptions) composite(f folder) object {
	return object{
		"apiVersion": xrGroup + "/" + xrVersion, "kind": xrKind,
		"metadata": object{"name": compositionName(f)},
		"spec":     object{"compositionRef": object{"name": compositionName(f)}},
	}
}

// composition observes the cluster and patches its issuer into every credential of the folder. Its policy Required keeps a credential
// from being written before the issuer is known.
func (o *CrossplaneOptions) composition(f folder) object {
	resources := []object{{
		"name": "cluster", "base": o.observed(f.entries[0]),
		"patches": []object{{"type": "ToCompositeFieldPath", "fromFieldPath": "status.atProvider.oidcIssuerUrl", "toFieldPath": statusIssuer}},
	}}
	for _, e := range f.entries {
		resources = append(resources, object{
			"name": credentialObject(e), "base": o.credential(e),
			"patches": []object{{
				"type": "FromCompositeFieldPath", "fromFieldPath": statusIssuer, "toFieldPath": "spec.forProvider.issuer",
				"policy": object{"fromFieldPath": "Required"},
			}},
		})
	}
	return object{
		"apiVersion": crossplaneVersion, "kind": "Composition",
		"metadata": object{"name": compositionName(f)},
		"spec": object{
			"compositeTypeRef": object{"apiVersion": xrGroup + "/" + xrVersion, "kind": xrKind},
			"mode":             "Pipeline",
			"pipeline": []object{{
				"step": "trust", "functionRef": object{"name": "function-patch-and-transform"},
				"input": object{"apiVersion": "pt.fn.crossplane.io/v1beta1", "kind": "Resources", "resources": resources},
			}},
		},
	}
}

// observed is the cluster, looked at and never managed.
func (o *CrossplaneOptions) observed(e entry) object {
	_, group, name, _ := clusterParts(e)
	return object{
		"apiVersion": upboundAKS, "kind": "KubernetesCluster",
		"metadata": object{"annotations": object{"crossplane.io/external-name": name}},
		"spec": object{
			"forProvider": object{"resourceGroupName": group}, "managementPolicies": []string{"Observe"},
			"providerConfigRef": object{"name": o.ProviderConfig},
		},
	}
}

// definition is the CompositeResourceDefinition, shared by all clusters.
func definition() object {
	text := object{"type": "string"}
	return object{
		"apiVersion": crossplaneVersion, "kind": "CompositeResourceDefinition",
		"metadata": object{"name": xrPlural + "." + xrGroup},
		"spec": object{
			"group": xrGroup,
			"names": object{"kind": xrKind, "plural": xrPlural},
			"versions": []object{{
				"name": xrVersion, "served": true, "referenceable": true,
				"schema": object{"openAPIV3Schema": object{
					"type": "object",
					"properties": object{
						"spec":   object{"type": "object"},
						"status": object{"type": "object", "properties": object{"oidcIssuerUrl": text}},
					},
				}},
			}},
		},
	}
}
