package catalog

import "strings"

// Relatives of Pod Identity: systems that use it on their own account.
const (
	// azureProvider is spec.provider of the Key Vault provider's classes.
	// https://azure.github.io/secrets-store-csi-driver-provider-azure/docs/configurations/identity-access-modes/
	azureProvider = "azure"
)

// relative reads SecretProviderClasses and what matters of KEDA.
func (p *projection) relative() {
	switch p.object.Kind {
	case "SecretProviderClass":
		p.secretProviderClass()
	case "TriggerAuthentication", "ClusterTriggerAuthentication":
		p.triggerAuthentication()
	default:
		p.custom()
	}
}

func (p *projection) secretProviderClass() {
	m, spec, ok := p.customResource()
	if !ok || p.text(spec["provider"], "spec.provider") != azureProvider {
		return
	}
	parameters := p.mapping(spec["parameters"], "spec.parameters")
	s := SecretProviderClass{
		Meta:           p.internMeta(m.Meta),
		UsePodIdentity: strings.EqualFold(p.word(parameters["usePodIdentity"], "spec.parameters.usePodIdentity"), "true"),
		ClientID:       p.word(parameters["clientID"], "spec.parameters.clientID"),
	}
	if p.fits(m) {
		p.snap.SecretProviderClasses = append(p.snap.SecretProviderClasses, s)
	}
}

// triggerAuthentication keeps those that take an Azure identity, by either path.
// https://keda.sh/docs/2.14/authentication-providers/azure-ad-pod-identity/
func (p *projection) triggerAuthentication() {
	m, spec, ok := p.customResource()
	if !ok {
		return
	}
	identity := p.mapping(spec["podIdentity"], "spec.podIdentity")
	t := TriggerAuthentication{
		Meta:       p.internMeta(m.Meta),
		Provider:   p.word(identity["provider"], "spec.podIdentity.provider"),
		IdentityID: p.word(identity["identityId"], "spec.podIdentity.identityId"),
	}
	if p.fits(m) && strings.HasPrefix(t.Provider, "azure") {
		p.snap.TriggerAuthentications = append(p.snap.TriggerAuthentications, t)
	}
}
