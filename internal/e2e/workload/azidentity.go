package workload

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// newAzidentity builds what an application without this project would hold.
func newAzidentity(cfg Config) (*source, error) {
	if os.Getenv("AZURE_FEDERATED_TOKEN_FILE") != "" {
		c, err := azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientID: cfg.ClientID, DisableInstanceDiscovery: true})
		if err != nil {
			return nil, fmt.Errorf("workload: %w", err)
		}
		return &source{credential: c, path: func() string { return PathWorkloadIdentity }}, nil
	}
	return newManagedIdentity(cfg, PathPodIdentity)
}

func newManagedIdentity(cfg Config, path string) (*source, error) {
	options := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: azcore.ClientOptions{Transport: metadataClient(cfg)}}
	if cfg.ClientID != "" {
		options.ID = azidentity.ClientID(cfg.ClientID)
	}
	c, err := azidentity.NewManagedIdentityCredential(options)
	if err != nil {
		return nil, fmt.Errorf("workload: %w", err)
	}
	return &source{credential: c, path: func() string { return path }}, nil
}

// metadataClient reaches the metadata service as the SDK's default client does, but for the way there.
func metadataClient(cfg Config) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = dialMetadata(cfg)
	return &http.Client{Transport: t}
}

// dialMetadata connects from the pod's address, by which NMI tells pods apart, to the node's gateway, which stands where the node's
// iptables rule and the link-local address would be.
func dialMetadata(cfg Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: 30 * time.Second}
	if cfg.PodIP != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(cfg.PodIP)}
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if cfg.Metadata != "" {
			address = cfg.Metadata
		}
		return d.DialContext(ctx, network, address)
	}
}
