// Package serve runs HTTP servers on loopback for the doubles of a fleet.
package serve

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/wimigrate/wimigrate/internal/e2e/pki"
)

// Server is one running server.
type Server struct {
	// URL is where it is reached, without a slash at the end.
	URL string

	http *http.Server
	done chan struct{}
}

// TLS serves a handler on a free port of 127.0.0.1 with a certificate of the authority. Close the server when done.
func TLS(authority *pki.Authority, name string, h http.Handler) (*Server, error) {
	config, err := authority.ServerTLS(name)
	if err != nil {
		return nil, err
	}
	return start("https", "127.0.0.1:0", config, name, h)
}

// Plain serves a handler without TLS on the given address.
func Plain(address, name string, h http.Handler) (*Server, error) {
	return start("http", address, nil, name, h)
}

func start(scheme, address string, config *tls.Config, name string, h http.Handler) (*Server, error) {
	l, err := net.Listen("tcp4", address)
	if err != nil {
		return nil, fmt.Errorf("serve: %s: %w", name, err)
	}
	s := &Server{URL: scheme + "://" + l.Addr().String(), done: make(chan struct{})}
	s.http = &http.Server{Handler: h, TLSConfig: config, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		defer close(s.done)
		if config != nil {
			_ = s.http.ServeTLS(l, "", "")
		} else {
			_ = s.http.Serve(l)
		}
	}()
	return s, nil
}

// Close breaks all connections and frees the port.
func (s *Server) Close() {
	_ = s.http.Close()
	<-s.done
}
