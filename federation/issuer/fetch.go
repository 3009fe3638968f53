package issuer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxRedirects is net/http's own default.
const maxRedirects = 10

// fetcher gets bounded bodies over https.
type fetcher struct {
	client  *http.Client
	limit   int64
	timeout time.Duration
}

func newFetcher(o Options) fetcher {
	client := http.Client{}
	if o.Client != nil {
		client = *o.Client
	}
	next := client.CheckRedirect
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		switch {
		case req.URL.Scheme != "https":
			return fmt.Errorf("redirect to %s, which is not https", req.URL.Redacted())
		case next != nil:
			return next(req, via)
		case len(via) >= maxRedirects:
			return errors.New("stopped after 10 redirects")
		}
		return nil
	}
	return fetcher{client: &client, limit: o.MaxBody, timeout: o.Timeout}
}

func (f fetcher) get(ctx context.Context, at string) ([]byte, error) {
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.timeout)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: HTTP %d", at, resp.StatusCode)
	}
	raw, err := readBounded(resp.Body, f.limit)
	if err != nil {
		return nil, fmt.Errorf("GET %s: %w", at, err)
	}
	return raw, nil
}

func readBounded(r io.Reader, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("the body is longer than %d bytes", limit)
	}
	if err != nil {
		return nil, err
	}
	return raw, nil
}
