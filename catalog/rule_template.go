package catalog

import (
	"fmt"
	"slices"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// noteTemplate reports what in a labelled pod template stands in the way: variables and addresses in the text, the host's network,
// Windows.
func (e *estate) noteTemplate(r *reporter, a *app) {
	add := func(c Code, message string) {
		r.add(Finding{Code: c, Namespace: a.namespace, Object: a.object(), Message: message})
	}
	done := map[Code]bool{}
	once := func(c Code, is bool, message string) {
		if is && !done[c] {
			done[c] = true
			add(c, message)
		}
	}
	for _, u := range a.uses {
		if !u.labelled && !u.moved {
			continue
		}
		once(HostNetwork, u.tpl.HostNetwork, "its pods use the host's network")
		once(Windows, u.tpl.Windows || e.onWindows(u.from), "its pods run on Windows")
		if said := hardCoded(u); len(said) > 0 {
			once(HardCodedEnvironment, true, "its containers decide themselves how to take tokens: "+list(said))
		}
	}
}

// onWindows reports whether the pod is on a node known to run Windows.
func (e *estate) onWindows(w *Workload) bool { return w.NodeName != "" && e.windows[w.NodeName] }

// hardCoded lists what a template says about credentials, sorted. What the webhook wrote into a pod is not the pod's own word.
func hardCoded(u *use) []string {
	injected := u.from.Kind == "Pod" && u.moved && slices.ContainsFunc(u.tpl.Env, func(v Env) bool { return v.Name == workloadid.EnvFederatedTokenFile })
	var out []string
	for _, v := range u.tpl.Env {
		if credentialEnv(v.Name) && !(injected && injectedEnv(v.Name)) {
			out = append(out, fmt.Sprintf("%s in container %q", v.Name, clip(v.Container)))
		}
	}
	for _, where := range u.tpl.IMDS {
		out = append(out, fmt.Sprintf("the metadata endpoint in %q", clip(where)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// credentialEnv reports whether the Azure SDKs read a credential, or where to find one, from the variable. Others that begin with
// AZURE_, such as AZURE_STORAGE_ACCOUNT, say nothing about identity.
// https://learn.microsoft.com/dotnet/api/overview/azure/identity-readme#environment-variables
func credentialEnv(name string) bool {
	switch name {
	case "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_USERNAME", "AZURE_PASSWORD",
		"AZURE_POD_IDENTITY_AUTHORITY_HOST", "AZURE_TOKEN_CREDENTIALS", "MSI_ENDPOINT", "MSI_SECRET", "IDENTITY_ENDPOINT", "IDENTITY_HEADER",
		"IMDS_ENDPOINT", "MSI_CLIENT_ID", "MSI_RESOURCE_ID", "AZURE_MSI_RESOURCE_ID", "AZURE_MANAGED_IDENTITY_CLIENT_ID":
		return true
	}
	return injectedEnv(name)
}

// injectedEnv reports whether the webhook writes the variable.
func injectedEnv(name string) bool {
	switch name {
	case workloadid.EnvClientID, workloadid.EnvTenantID, workloadid.EnvFederatedTokenFile, workloadid.EnvAuthorityHost:
		return true
	}
	return false
}
