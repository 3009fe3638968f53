package workload

import "fmt"

// newSource builds the credential that the configuration names.
func newSource(cfg Config) (*source, error) {
	switch cfg.Credential {
	case Wimigrate:
		return newWimigrate(cfg)
	case Azidentity:
		return newAzidentity(cfg)
	case ManagedIdentity:
		return newManagedIdentity(cfg, PathMetadata)
	}
	return nil, fmt.Errorf("workload: %s=%q is not a known credential", EnvCredential, cfg.Credential)
}
