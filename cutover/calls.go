package cutover

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/cenkalti/backoff/v4"
	"golang.org/x/net/http2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// A call that fails for a passing reason is repeated for as long as callPatience; then the cluster counts as unreachable.
const (
	callPatience = 2 * time.Minute
	firstDelay   = 500 * time.Millisecond
	longestDelay = 20 * time.Second
)

// repeat calls fn until it succeeds, fails for good, or patience ends. It honours Retry-After. Credentials that have expired hold the unit.
func repeat(ctx context.Context, fn func() error) error {
	b := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(firstDelay), backoff.WithMaxInterval(longestDelay), backoff.WithRandomizationFactor(0),
		backoff.WithMaxElapsedTime(callPatience),
	)
	for {
		err := fn()
		if err == nil || !passing(err) || ctx.Err() != nil {
			return heldLoggedOut(err)
		}
		delay := b.NextBackOff()
		if delay == backoff.Stop {
			return held(HoldUnreachable, "the cluster does not answer: %v", err)
		}
		if s, ok := apierrors.SuggestsClientDelay(err); ok {
			delay = max(delay, min(time.Duration(s)*time.Second, callPatience))
		}
		if err := pause.For(ctx, delay); err != nil {
			return err
		}
	}
}

// passing reports whether an error may go away by itself, and leaves open whether a write was made.
func passing(err error) bool {
	if apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsInternalError(err) ||
		apierrors.IsServiceUnavailable(err) {
		return true
	}
	// An answer that is no Status of the API server counts by its code: "404 page not found" is what a group gets that the cluster
	// does not serve, and it will not go away by itself.
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return status.Status().Code >= 500
	}
	return broken(err)
}

// broken reports whether a connection broke. Over HTTP/2, which API servers speak, a body that ends too early is an error of its stream.
func broken(err error) bool {
	var network net.Error
	var stream http2.StreamError
	var goAway http2.GoAwayError //nolint:staticcheck // deprecated, but what the transport that client-go configures returns
	return errors.As(err, &network) || errors.As(err, &stream) || errors.As(err, &goAway) || utilnet.IsHTTP2ConnectionLost(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// get reads an object, and returns nil for one that is not there.
func get(ctx context.Context, c Reader, ref Ref) (*unstructured.Unstructured, error) {
	var out *unstructured.Unstructured
	err := repeat(ctx, func() error {
		o, err := c.Get(ctx, ref)
		out = o
		return err
	})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return out, err
}

// list reads a selection.
func list(ctx context.Context, c Reader, sel Selection) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	err := repeat(ctx, func() error {
		o, err := c.List(ctx, sel)
		out = o
		return err
	})
	return out, err
}

// retryPause is how long to wait after a write whose outcome is open before looking at the object.
func retryPause(err error) time.Duration {
	if s, ok := apierrors.SuggestsClientDelay(err); ok {
		return min(time.Duration(s)*time.Second, callPatience)
	}
	return time.Second
}
