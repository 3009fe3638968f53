package graphfic

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// ServiceName is the key under which a [cloud.Configuration] may hold Graph's endpoint and audience, for clouds that
// [NewStore] does not know.
const ServiceName cloud.ServiceName = "microsoftGraph"

// Graph's root endpoints: https://learn.microsoft.com/graph/deployments#microsoft-graph-and-graph-explorer-service-root-endpoints
const (
	publicEndpoint     = "https://graph.microsoft.com"
	governmentEndpoint = "https://graph.microsoft.us"
	chinaEndpoint      = "https://microsoftgraph.chinacloudapi.cn"
)

// endpointOf returns Graph's endpoint in a cloud and the scope of its tokens.
func endpointOf(c cloud.Configuration) (endpoint, scope string, err error) {
	if s, ok := c.Services[ServiceName]; ok {
		u, err := url.Parse(s.Endpoint)
		if err != nil || u.Scheme != "https" || u.Host == "" {
			return "", "", fmt.Errorf("graphfic: endpoint %q is not an https URL", s.Endpoint)
		}
		endpoint, scope = strings.TrimRight(s.Endpoint, "/"), strings.TrimRight(s.Audience, "/")
		if scope == "" {
			scope = u.Scheme + "://" + u.Host
		}
		return endpoint, scope + "/.default", nil
	}
	host := c.ActiveDirectoryAuthorityHost
	if u, err := url.Parse(host); err == nil && u.Host != "" {
		host = u.Host
	}
	switch strings.ToLower(host) {
	case "", "login.microsoftonline.com":
		endpoint = publicEndpoint
	case "login.microsoftonline.us":
		endpoint = governmentEndpoint
	case "login.chinacloudapi.cn", "login.partner.microsoftonline.cn":
		endpoint = chinaEndpoint
	default:
		return "", "", fmt.Errorf("graphfic: no Graph endpoint is known for the cloud of %s: set Cloud.Services[graphfic.ServiceName]", host)
	}
	return endpoint, endpoint + "/.default", nil
}
