// Package render turns a federation plan into files for Git: Terraform, Azure Service Operator, Crossplane, Bicep or an az script for
// the trust itself, kustomize components for the service accounts and pod templates of the clusters, and the Argo CD or Flux objects
// that reconcile them.
//
// Every renderer is a pure function from values to [Files], a map from path to bytes in memory; [Write] puts them into a directory. The
// same plan gives the same bytes, so a pull request shows what changed and nothing else.
//
//	files, err := render.Terraform(plan, cat, nil)
//	…
//	_, err = render.Write("gitops", files, nil)
//
// # Issuers
//
// What is rendered references the cluster's issuer and never repeats it, so that trust follows a rebuilt cluster: a module input,
// resource or data source in Terraform, issuerFromConfig in Azure Service Operator, the observed status of the cluster in Crossplane, an
// existing resource in Bicep, az aks show in a script. A literal is written only where [IssuerLiteral] asks for it, and marked by a
// comment that package lint understands.
//
// # What is left out
//
// An entry that a format cannot express, or that must not be applied, is left out, and the [*LeftOutError] that comes back beside the
// files says which and why: an app registration in Azure Service Operator, an identity that the plan blocks, a cluster without a
// resource ID where one is needed.
//
// # Hostile names
//
// Names come from clusters and from people. Text that is not printable is refused as a whole with a [*TextError]; everything else is
// quoted by the rules of each format, and paths are made of letters, digits, dots, dashes and underscores.
//
// [ReadTerraform] and [ReadYAML] read the trust back, with references resolved, to prove what a directory of files grants.
package render
