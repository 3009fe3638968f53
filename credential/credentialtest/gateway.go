package credentialtest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// Gateway is the way from a pod to 169.254.169.254: NMI's iptables rule sends a
// new connection to NMI, or it reaches the real IMDS because the rule is not
// there. As with iptables the choice is made once per connection: a connection
// kept alive stays where it went.
//
// Over sockets give it to [Serve]. In memory each call of Dial is one client's
// pool of connections. It is safe for concurrent use.
type Gateway struct {
	nmi, imds http.Handler
	bypassed  atomic.Bool
	toIMDS    atomic.Int64
}

// NewGateway returns a gateway that leads to nmi; see Bypass.
func NewGateway(nmi, imds http.Handler) *Gateway { return &Gateway{nmi: nmi, imds: imds} }

// Bypass takes NMI's rule away, or puts it back: as before NMI's first start on
// a node, and during each of its rolling updates. Existing connections stay.
func (g *Gateway) Bypass(on bool) { g.bypassed.Store(on) }

// Bypasses returns how many connections went to the real IMDS.
func (g *Gateway) Bypasses() int { return int(g.toIMDS.Load()) }

type routeKey struct{}

// route chooses for one connection.
func (g *Gateway) route() http.Handler {
	if g.bypassed.Load() {
		g.toIMDS.Add(1)
		return g.imds
	}
	return g.nmi
}

// ServeHTTP serves on the route of the request's connection, or, when nothing
// tells connections apart, on the present one.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h, ok := r.Context().Value(routeKey{}).(http.Handler); ok {
		h.ServeHTTP(w, r)
		return
	}
	g.route().ServeHTTP(w, r)
}

// connContext pins connections to their route when h is a gateway.
func connContext(h http.Handler) func(context.Context, net.Conn) context.Context {
	g, ok := h.(*Gateway)
	if !ok {
		return nil
	}
	return func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, routeKey{}, g.route())
	}
}

// Dial returns a transport in memory for the pod with the IP address. With
// keepAlive it keeps one connection, and thereby its route, until
// CloseIdleConnections, or until a request says Close; without, every request
// is a new connection.
func (g *Gateway) Dial(ip string, keepAlive bool) *Pinned {
	return &Pinned{gateway: g, remote: net.JoinHostPort(ip, "40000"), keepAlive: keepAlive}
}

// Pinned is a client's way through a [Gateway]. It implements
// [http.RoundTripper] and the Transporter of azcore's policy package.
type Pinned struct {
	gateway   *Gateway
	remote    string
	keepAlive bool

	mu    sync.Mutex
	route http.Handler
}

// Do is RoundTrip under the name that azcore asks for.
func (p *Pinned) Do(r *http.Request) (*http.Response, error) { return p.RoundTrip(r) }

// RoundTrip implements [http.RoundTripper].
func (p *Pinned) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	h := p.route
	if h == nil {
		h = p.gateway.route()
	}
	if p.keepAlive && !r.Close {
		p.route = h
	} else {
		p.route = nil
	}
	p.mu.Unlock()
	return roundTrip(h, r, p.remote)
}

// CloseIdleConnections drops the connection, so that the next request is routed
// anew.
func (p *Pinned) CloseIdleConnections() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.route = nil
}
