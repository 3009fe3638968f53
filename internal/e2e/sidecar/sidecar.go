// Package sidecar is a double of azwi-proxy, the migration sidecar of Azure Workload Identity v1.6.0: it answers the metadata service's
// token requests of its pod with tokens that it gets by federation, so that an application which only knows IMDS can do without NMI:
// https://learn.microsoft.com/azure/aks/workload-identity-migrate-from-pod-identity.
package sidecar

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/internal/e2e/workload"
	"github.com/wimigrate/wimigrate/internal/pause"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// What the webhook gives the two containers; the images carry a version as their tag.
const (
	Name      = "azwi-proxy"
	InitName  = "azwi-proxy-init"
	Image     = "mcr.microsoft.com/oss/azure/workload-identity/proxy"
	InitImage = "mcr.microsoft.com/oss/azure/workload-identity/proxy-init"
	// EnvPort tells the init container where to send the pod's connections to 169.254.169.254:80.
	EnvPort = "PROXY_PORT"
	// DefaultPort is the proxy's port where the pod names none.
	DefaultPort = 8000
)

// Is recognises the proxy by its image.
func Is(image string) bool { return strings.HasPrefix(image, Image+":") }

// IsInit recognises the init container by its image.
func IsInit(image string) bool { return strings.HasPrefix(image, InitImage+":") }

// Main is the program: the proxy until the context ends or, with --probe, a wait until the proxy of the same pod answers. It listens on
// the pod's address, for all pods of a test fleet share one loopback interface.
func Main(ctx context.Context, args []string, log io.Writer) error {
	flags := flag.NewFlagSet(Name, flag.ContinueOnError)
	flags.SetOutput(log)
	port := flags.Int("proxy-port", DefaultPort, "port to listen on")
	probe := flags.Bool("probe", false, "wait until the proxy answers")
	_ = flags.String("log-level", "", "accepted for the webhook's sake")
	if err := flags.Parse(args); err != nil {
		return err
	}
	address := net.JoinHostPort(os.Getenv(workload.EnvPodIP), strconv.Itoa(*port))
	if *probe {
		return awaitReady(ctx, address)
	}
	tenant := os.Getenv(workloadid.EnvTenantID)
	if tenant == "" {
		return fmt.Errorf("sidecar: %s not set", workloadid.EnvTenantID)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("sidecar: %w", err)
	}
	return serve(ctx, l, newHandler(tenant, os.Getenv(workloadid.EnvClientID), dialer()))
}

// dialer connects from the pod's address to the node's gateway: the proxy's own connections are not redirected to it.
func dialer() func(context.Context, string, string) (net.Conn, error) {
	d := &net.Dialer{Timeout: 30 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(os.Getenv(workload.EnvPodIP))}}
	gateway := os.Getenv(workload.EnvMetadata)
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, gateway)
	}
}

// serve answers until the context ends, then lets requests finish for a while.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("sidecar: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	err := server.Shutdown(grace)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// awaitReady asks until there is an answer, as the container's postStart hook does before the next container may start.
func awaitReady(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		if ended := pause.For(ctx, 20*time.Millisecond); ended != nil {
			return fmt.Errorf("sidecar: the proxy at %s does not answer: %w", address, errors.Join(ended, err))
		}
	}
}
