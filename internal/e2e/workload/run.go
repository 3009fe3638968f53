package workload

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// tokenTimeout is how long an application lets one request for a token take.
const tokenTimeout = 3 * time.Minute

// Run takes tokens until the context ends, or once. It prints a [Report] after the first round, each failure, and then once a second.
// Failing to get a token is reported, not returned: an application would live on.
func Run(ctx context.Context, cfg Config, out io.Writer) error {
	rec := &recorder{started: time.Now(), want: cfg.ClientID, report: Report{
		Credential: cfg.Credential, Identities: map[string]int{}, Paths: map[string]int{}}}
	s, err := newSource(cfg)
	if err != nil {
		rec.failure(err)
		return report(rec, out, err)
	}
	stop, err := serve(cfg, rec, s)
	if err != nil {
		return err
	}
	defer stop()
	if s.ready != nil {
		if err := s.ready(ctx, cfg.Scopes); err != nil && ctx.Err() == nil {
			rec.failure(err)
		}
	}
	return loop(ctx, cfg, s, rec, out)
}

func loop(ctx context.Context, cfg Config, s *source, rec *recorder, out io.Writer) error {
	t := time.NewTicker(cfg.Period)
	defer t.Stop()
	var printed time.Time
	for {
		failed := round(ctx, cfg.Scopes, s, rec)
		if failed || time.Since(printed) > time.Second {
			printed = time.Now()
			if err := report(rec, out, nil); err != nil {
				return err
			}
		}
		if cfg.Once {
			return nil
		}
		select {
		case <-ctx.Done():
			return report(rec, out, nil)
		case <-t.C:
		}
	}
}

// round takes one token for each scope. A call that the end of the program cut off is neither success nor failure.
func round(ctx context.Context, scopes []string, s *source, rec *recorder) (failed bool) {
	for _, scope := range scopes {
		started := time.Now()
		token, err := s.take(ctx, scope)
		switch {
		case err == nil:
			rec.success(token.Token, s.path(), time.Since(started))
		case ctx.Err() == nil:
			rec.failure(err)
			failed = true
		}
	}
	return failed
}

func report(rec *recorder, out io.Writer, because error) error {
	line, err := rec.line()
	if err != nil {
		return err
	}
	if _, err := out.Write(line); err != nil {
		return fmt.Errorf("workload: report: %w", err)
	}
	return because
}

// source is a credential and what a report tells of it.
type source struct {
	credential azcore.TokenCredential
	ready      func(ctx context.Context, scopes []string) error // nil: there is no such thing
	path       func() string
	status     http.Handler // nil: only the report
}

func (s *source) take(ctx context.Context, scope string) (azcore.AccessToken, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	return s.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
}

// StatusPort is where a workload's page listens on the pod's address; when it is taken, as on a node's own address, any port will do.
const StatusPort = 8080

// serve shows the report at /report and the credential's own status at /status until stop is called.
func serve(cfg Config, rec *recorder, s *source) (stop func(), err error) {
	host := or(cfg.PodIP, "127.0.0.1")
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", host, StatusPort))
	if err != nil {
		l, err = net.Listen("tcp", host+":0")
	}
	if err != nil {
		return nil, fmt.Errorf("workload: status page: %w", err)
	}
	rec.report.StatusURL = "http://" + l.Addr().String() + "/status"
	mux := http.NewServeMux()
	mux.HandleFunc("/report", func(w http.ResponseWriter, _ *http.Request) {
		if line, err := rec.line(); err == nil {
			_, _ = w.Write(line)
		}
	})
	if s.status != nil {
		mux.Handle("/status", s.status)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	return func() { _ = server.Close(); <-done }, nil
}
