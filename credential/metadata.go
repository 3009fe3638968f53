package credential

import (
	"context"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// metadataHost is where NMI intercepts and the node's metadata service listens.
// https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service
const metadataHost = "169.254.169.254"

// dialTimeout is short because the endpoint is on the node: a SYN that was dropped
// is better sent again from a new socket than retransmitted after 1, 3, 7 s.
const dialTimeout = time.Second

// pastMSAL is a claims value that makes MSAL skip its process-wide cache, which may
// hold a token that the node's own identity answered to someone else in this
// process. It is not put on the wire, and a new token overwrites the cached one.
const pastMSAL = `{"wimigrate":{}}`

// newMetadataTransport returns the client for the metadata endpoint. NMI's iptables
// rule applies to new connections only, so none is kept; Go's proxy settings do not
// exempt link-local addresses, so none is used.
func newMetadataTransport(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Client {
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	return &http.Client{
		Transport: bounded{&http.Transport{
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 1 << 16,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				ctx, cancel := context.WithTimeout(ctx, dialTimeout)
				defer cancel()
				return dial(ctx, network, address)
			},
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded cuts the bodies of a transport at the most that a token may be long:
// whoever answers at the endpoint must not fill the pod's memory.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxToken), resp.Body}
	}
	return resp, err
}

// onOurClock corrects the expiry of a token that seems to have arrived expired: it
// comes as a date, and the node's clock may be ahead. The source also says how long
// the token lives from now, which needs no clock.
func onOurClock(token azcore.AccessToken, life time.Duration, now time.Time) azcore.AccessToken {
	if life > 0 && !token.ExpiresOn.After(now) {
		token.ExpiresOn, token.RefreshOn = now.Add(life), time.Time{}
	}
	return token
}

// newMetadataProvider gets tokens from the metadata endpoint.
func newMetadataProvider(o Options, s settings) (*provider, error) {
	timeout := o.TryTimeout
	if timeout <= 0 {
		timeout = defaultMetadataTry
	}
	w := witness{metadata: true, check: identityCheck{
		clientID: s.clientID, tenantID: s.tenantID, resourceID: s.resourceID, opaque: o.AcceptOpaque}}
	client := single(o.ClientOptions, timeout, w)
	if client.Transport = o.IMDSTransport; client.Transport == nil {
		client.Transport = newMetadataTransport(o.DialIMDS)
	}
	opts := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: client}
	if s.clientID != "" {
		opts.ID = azidentity.ClientID(s.clientID)
	}
	inner, err := azidentity.NewManagedIdentityCredential(opts)
	if err != nil {
		return nil, &ConfigError{Setting: "PodIdentity", Problem: "azidentity refuses the configuration", Err: err}
	}
	return &provider{path: PodIdentity, timeout: timeout, overlap: true, client: o.ClientOptions,
		try: func(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, outcome, error) {
			if o.Claims == "" {
				o.Claims = pastMSAL
			}
			ctx, seen := withTestimony(ctx)
			token, err := inner.GetToken(ctx, o)
			if err == nil {
				err = w.check.verify(token.Token) // once more, on what MSAL made of the answer
			}
			if err != nil {
				return azcore.AccessToken{}, seen.outcome(err), err
			}
			by, life := seen.answered()
			return onOurClock(token, life, time.Now()), outcome{source: by}, nil
		}}, nil
}
