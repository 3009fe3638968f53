// Package lint finds OIDC issuer URLs that were pasted as strings into Terraform, Bicep, YAML, JSON, runbooks and shell scripts.
//
// An issuer belongs to one life of one cluster: a rebuilt cluster has another
// (https://learn.microsoft.com/azure/aks/use-oidc-issuer), and every pasted copy of the old one is trust that silently no longer
// exists. Each finding says where the copy is and what to write instead, so that the issuer is read from the cluster.
//
//	report, err := lint.Scan(ctx, os.DirFS("."), &lint.Options{Catalog: cat})
//	…
//	lint.WriteText(os.Stdout, report)
//	os.Exit(lint.ExitCode(report, err))
//
// # What is found
//
// Every AKS issuer of today's and of the legacy shape, in the public, US Government and China clouds, with or without scheme,
// JSON-escaped or percent-encoded; every issuer of the given catalog, whatever its shape; and issuers built from parts, such as
// "https://${var.region}.oic.prod-aks.azure.com/${var.tenant}/${var.id}/". Placeholders such as
// https://{region}.oic.prod-aks.azure.com/{tenant}/{id}/ are not findings. An issuer cut into pieces that are joined by an
// expression over several lines is not seen.
//
// # What does not fail
//
// An issuer in a comment, and a literal that package render wrote on request and marked, are notes, not errors, unless the catalog
// shows that no cluster has the literal any more. A person's decision is a comment on the line, or alone on the line above:
//
//	issuer = "https://…" # wimigrate:ignore pasted-issuer partner cluster, not ours to reference
//
// Fleet files, catalogs and saved plans of this library hold issuers because they are records of what was read; leave them out with
// Options.Skip where they are kept beside the code.
//
// A file that cannot be read is a gap of the report, never clean.
package lint
