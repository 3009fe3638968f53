package credentialtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// ServerOptions change how a [Server] is started. Nil means all defaults.
type ServerOptions struct {
	// TLS serves HTTPS with a certificate for 127.0.0.1, localhost and Names,
	// signed by nobody: see [Server.CertificatePEM] and [Server.Client].
	TLS bool
	// Names are more DNS names for the certificate.
	Names []string
	// Address is where to listen. Empty: 127.0.0.1, a free port.
	Address string
}

// Server serves a double on a socket of this machine. It can be made to fail in
// the ways only a network can: see Refuse, Drop, Hang and Up. It is safe for
// concurrent use. Close it when done.
type Server struct {
	// URL is http or https, 127.0.0.1 and the port, without a slash at the end.
	URL string

	handler http.Handler
	address string
	tls     *tls.Config
	pem     []byte
	pool    *x509.CertPool

	mu        sync.Mutex
	condition condition
	http      *http.Server
	listener  net.Listener
	serving   sync.WaitGroup
	plugs     []net.Conn
	closed    bool

	hungMu sync.Mutex
	hung   []net.Conn
}

// Serve starts a server. It fails if it cannot listen.
func Serve(h http.Handler, opts *ServerOptions) (*Server, error) {
	if opts == nil {
		opts = &ServerOptions{}
	}
	s := &Server{handler: h, address: or(opts.Address, "127.0.0.1:0")}
	scheme := "http"
	if opts.TLS {
		scheme = "https"
		cert, pem, err := selfSigned(append([]string{"localhost"}, opts.Names...))
		if err != nil {
			return nil, fmt.Errorf("credentialtest: serve: %w", err)
		}
		s.tls = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
		s.pem, s.pool = pem, x509.NewCertPool()
		s.pool.AppendCertsFromPEM(pem)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.upLocked(); err != nil {
		return nil, err
	}
	s.URL = scheme + "://" + s.address
	return s, nil
}

// Address returns host and port. It stays the same over Refuse and Up.
func (s *Server) Address() string { return s.address }

// CertificatePEM returns the certificate to trust, or nil without TLS. Written
// to a file named by SSL_CERT_FILE it makes other Go processes trust the server.
func (s *Server) CertificatePEM() []byte { return s.pem }

// Client returns an HTTP client that trusts the server.
func (s *Server) Client() *http.Client {
	return &http.Client{Transport: s.Transport("")}
}

// Transport returns a transport that trusts the server and takes every request
// to it, whatever host the URL names, so that code with built-in addresses such
// as 169.254.169.254 can be tested. With from, an address in 127.0.0.0/8, it
// connects from there: NMI tells pods apart by it. Each call makes a transport
// with connections of its own.
func (s *Server) Transport(from string) *http.Transport {
	dialer := &net.Dialer{}
	if from != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", s.address)
		},
		TLSClientConfig: &tls.Config{RootCAs: s.pool, MinVersion: tls.VersionTLS12},
	}
}

// Cloud returns a configuration that makes azcore and azidentity use the server
// as the authority. Set DisableInstanceDiscovery as well: without it azidentity
// asks login.microsoftonline.com about a host that it does not know.
func (s *Server) Cloud() cloud.Configuration {
	return cloud.Configuration{ActiveDirectoryAuthorityHost: s.URL + "/"}
}

// Close stops the server for good and waits for its goroutines. It may be called
// more than once.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.downLocked()
	s.hungMu.Lock()
	defer s.hungMu.Unlock()
	for _, c := range s.hung {
		_ = c.Close()
	}
	s.hung = nil
}

func (s *Server) upLocked() error {
	if s.closed {
		return errors.New("credentialtest: the server is closed")
	}
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return fmt.Errorf("credentialtest: serve: %w", err)
	}
	s.listener, s.condition = listener, up
	if s.URL == "" {
		s.address = listener.Addr().String() // fixed from now on
	}
	if s.tls != nil {
		listener = tls.NewListener(listener, s.tls)
	}
	s.http = &http.Server{
		Handler:           s.handler,
		ConnContext:       connContext(s.handler),
		ErrorLog:          log.New(io.Discard, "", 0),
		ReadHeaderTimeout: fetchTimeout,
	}
	server := s.http
	s.serving.Go(func() { _ = server.Serve(listener) })
	return nil
}

// downLocked frees the port and breaks all connections.
func (s *Server) downLocked() {
	if s.http != nil {
		_ = s.http.Close()
	}
	if s.listener != nil {
		_ = s.listener.Close()
	}
	for _, c := range s.plugs {
		_ = c.Close()
	}
	s.http, s.listener, s.plugs = nil, nil, nil
	s.serving.Wait()
}
