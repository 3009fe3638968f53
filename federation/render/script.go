package render

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
)

// ScriptOptions are the choices of [Script]. The zero value is ready to use.
type ScriptOptions struct {
	// Layout: zero is [PerIdentity], so that two scripts never write to one identity at once.
	Layout Layout
	// Issuer: zero is [IssuerReference], by az aks show.
	Issuer IssuerForm
}

// Script renders the trust that a plan leads to as a bash script per folder, trust.sh, that runs the Azure CLI. It reads each cluster's
// issuer when it runs, stops at the first failure, writes one credential at a time, and changes nothing when run again. Managed
// identities and app registrations are both served. What cannot be expressed comes back in a [*LeftOutError] beside the files.
func Script(p *federation.Plan, cat *catalog.Catalog, opts *ScriptOptions) (Files, error) {
	o := ScriptOptions{Layout: PerIdentity, Issuer: IssuerReference}
	if opts != nil && opts.Layout != "" {
		o.Layout = opts.Layout
	}
	if opts != nil && opts.Issuer != "" {
		o.Issuer = opts.Issuer
	}
	if !slices.Contains([]Layout{PerCluster, PerIdentity}, o.Layout) || !slices.Contains([]IssuerForm{IssuerReference, IssuerLiteral}, o.Issuer) {
		return nil, fmt.Errorf("render: script: unknown option: layout %q, issuer %q", o.Layout, o.Issuer)
	}
	entries, err := collect(p, cat)
	if err != nil {
		return nil, err
	}
	out := leftOutList{format: "script"}
	entries = slices.DeleteFunc(entries, func(e entry) bool {
		reason := o.refusal(e)
		if reason != "" {
			out.add(e, reason)
		}
		return reason != ""
	})
	files := Files{}
	for _, f := range o.Layout.folders(entries) {
		files[f.path+"/trust.sh"] = o.script(f)
	}
	return files, out.err()
}

func (o *ScriptOptions) refusal(e entry) string {
	if reason := o.Issuer.refusal(e); reason != "" {
		return reason
	}
	if _, _, _, ok := clusterParts(e); o.Issuer == IssuerReference && !ok {
		return "the cluster has no resource ID by which to read its issuer"
	}
	// The Azure CLI takes an argument that begins with @ for the name of a file to read.
	for _, v := range []string{e.cred.Name, e.cred.Issuer, e.cred.Subject, e.cred.Audience, e.identity.ClientID} {
		if strings.HasPrefix(v, "@") {
			return fmt.Sprintf("the Azure CLI would take %q for the name of a file", v)
		}
	}
	return ""
}

const scriptHead = `#!/usr/bin/env bash
# %s
# This is %s.
# Run it by hand or in a pipeline, signed in to the Azure CLI. Running it again changes nothing.
set -euo pipefail

# issuer prints the issuer of a cluster, which must have one.
issuer() {
  local url
  url="$(az aks show --subscription="$1" --resource-group="$2" --name="$3" --query=oidcIssuerProfile.issuerUrl --output=tsv)"
  if [[ "$url" != https://* ]]; then
    echo "cluster $3 has no OIDC issuer: az aks update --enable-oidc-issuer" >&2
    return 1
  fi
  printf '%%s' "$url"
}
`

// scriptApplication creates or updates the credential of an app registration. The parameters go to az as JSON.
const scriptApplication = `
# application CLIENT-ID NAME ISSUER SUBJECT AUDIENCE creates or updates the credential of an app registration.
application() {
  local verb=create id=()
  if az ad app federated-credential show --id="$1" --federated-credential-id="$2" --output=none 2>/dev/null; then
    verb=update id=(--federated-credential-id="$2")
  fi
  az ad app federated-credential "$verb" --id="$1" "${id[@]}" --output=none --parameters="$(
    jq --null-input --arg name "$2" --arg issuer "$3" --arg subject "$4" --arg audience "$5" \
      '{name: $name, issuer: $issuer, subject: $subject, audiences: [$audience]}'
  )"
}
`

func (o *ScriptOptions) script(f folder) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, scriptHead, header, f.title)
	if slices.ContainsFunc(f.entries, isApplication) {
		b.WriteString(scriptApplication)
	}
	for _, cluster := range groupByCluster(f.entries) {
		b.WriteString("\n")
		o.setIssuer(&b, cluster[0])
		for _, e := range cluster {
			scriptCredential(&b, e)
		}
	}
	return b.Bytes()
}

func (o *ScriptOptions) setIssuer(b *bytes.Buffer, e entry) {
	fmt.Fprintf(b, "# Cluster %s\n", e.cluster.Name)
	if o.Issuer == IssuerLiteral {
		fmt.Fprintf(b, "# %s\nissuer=%s\n", literalMark(e), shellQuote(e.cred.Issuer))
		return
	}
	subscription, group, name, _ := clusterParts(e)
	fmt.Fprintf(b, "issuer=\"$(issuer %s %s %s)\"\n", shellQuote(subscription), shellQuote(group), shellQuote(name))
}

func scriptCredential(b *bytes.Buffer, e entry) {
	if isApplication(e) {
		fmt.Fprintf(b, "application %s %s \"$issuer\" %s %s\n",
			shellQuote(e.identity.ClientID), shellQuote(e.cred.Name), shellQuote(e.cred.Subject), shellQuote(e.cred.Audience))
		return
	}
	subscription, group, name, _ := identityParts(e)
	fmt.Fprintf(b, "az identity federated-credential create --output=none \\\n  --subscription=%s --resource-group=%s --identity-name=%s \\\n  --name=%s \\\n",
		shellQuote(subscription), shellQuote(group), shellQuote(name), shellQuote(e.cred.Name))
	fmt.Fprintf(b, "  --issuer=\"$issuer\" --subject=%s --audiences=%s\n", shellQuote(e.cred.Subject), shellQuote(e.cred.Audience))
}

// groupByCluster divides sorted entries by cluster and issuer, so that a literal is never another credential's.
func groupByCluster(entries []entry) [][]entry {
	var out [][]entry
	for _, e := range entries {
		if n := len(out); n > 0 && out[n-1][0].cluster.Name == e.cluster.Name && out[n-1][0].cred.Issuer == e.cred.Issuer {
			out[n-1] = append(out[n-1], e)
			continue
		}
		out = append(out, []entry{e})
	}
	return out
}

// shellQuote quotes for POSIX shells: single quotes, out of which nothing but a single quote leads.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
