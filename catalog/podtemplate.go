package catalog

import (
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// imds is the address of the instance metadata service, which NMI intercepts.
// https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
const imds = "169.254.169.254"

// template reduces a pod to what bears on identities.
func (p *podView) template() PodTemplate {
	t := PodTemplate{
		Labels:                p.labels,
		Annotations:           webhookAnnotations(p.annotations),
		ServiceAccount:        p.serviceAccount,
		HostNetwork:           p.hostNetwork,
		Windows:               p.windows,
		SecretProviderClasses: p.secretProviderClasses,
	}
	for _, c := range p.containers {
		for _, e := range c.env {
			if strings.Contains(e.Value, imds) {
				t.IMDS = append(t.IMDS, c.name+": env "+e.Name)
			}
			if strings.HasPrefix(e.Name, "AZURE_") || strings.HasPrefix(e.Name, "MSI_") || strings.HasPrefix(e.Name, "IDENTITY_") {
				if !showsValue(e.Name) {
					e.Value = ""
				}
				t.Env = append(t.Env, e)
			}
		}
		if slices.ContainsFunc(c.args, func(a string) bool { return strings.Contains(a, imds) }) {
			t.IMDS = append(t.IMDS, c.name+": command or args")
		}
	}
	return t
}

// showsValue reports whether the value of an environment variable is an ID or a host. Any other may be a secret and is not kept.
func showsValue(name string) bool {
	switch name {
	case workloadid.EnvClientID, workloadid.EnvTenantID, workloadid.EnvAuthorityHost, workloadid.EnvFederatedTokenFile,
		"AZURE_SUBSCRIPTION_ID", "AZURE_POD_IDENTITY_AUTHORITY_HOST", "MSI_ENDPOINT", "IDENTITY_ENDPOINT":
		return true
	}
	return false
}

// labelled reports whether a pod carries the label of the old or of the new world.
func labelled(labels map[string]string) bool {
	_, old := labels[podidentity.Label]
	_, use := labels[workloadid.UseLabel]
	return old || use
}

// componentOf recognises NMI and MIC by their images, such as mcr.microsoft.com/oss/azure/aad-pod-identity/nmi:v1.8.17, and reads how
// they are told to run. https://azure.github.io/aad-pod-identity/docs/configure/feature_flags/
func (p *podView) componentOf() (Component, bool) {
	for _, c := range p.containers {
		image, _, _ := strings.Cut(c.image[strings.LastIndexByte(c.image, '/')+1:], "@")
		role, _, _ := strings.Cut(image, ":")
		if role != "nmi" && role != "mic" {
			continue
		}
		out := Component{Role: role}
		for _, e := range c.env {
			switch e.Name {
			case "FORCENAMESPACED":
				out.ForceNamespaced = strings.EqualFold(e.Value, "true")
			case "OPERATION_MODE":
				out.Managed = e.Value == "managed"
			}
		}
		out.flags(c.args)
		return out, true
	}
	return Component{}, false
}

// flags reads the two flags, in the forms that pflag takes.
func (c *Component) flags(args []string) {
	for i, arg := range args {
		name, value, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if len(name) == len(arg) {
			continue
		}
		switch name {
		case "operation-mode":
			if !given && i+1 < len(args) {
				value = args[i+1]
			}
			c.Managed = value == "managed"
		case "forceNamespaced":
			c.ForceNamespaced = !given || strings.EqualFold(value, "true")
		}
	}
}
