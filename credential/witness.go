package credential

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// testimony is what the witness saw of one try's last request. azidentity's
// errors hide the cause of a failed request, so it is noted where it happens.
type testimony struct {
	mu sync.Mutex
	sight
}

type sight struct {
	seen    bool
	source  Source
	status  int
	header  http.Header
	body    []byte // never of a token
	shape   string
	life    time.Duration // expires_in of a token
	err     error
	refused *IdentityError
	asked   bool // for a token, not for where to ask
}

type testimonyKey struct{}

// withTestimony returns a context whose requests are noted.
func withTestimony(ctx context.Context) (context.Context, *testimony) {
	t := &testimony{}
	return context.WithValue(ctx, testimonyKey{}, t), t
}

// witness is a policy next to the transport: it notes what is answered, and stops
// a token of the wrong identity before MSAL's process-wide cache can hold it.
type witness struct {
	metadata bool // the requests go to the metadata endpoint
	check    identityCheck
}

// Do implements policy.Policy.
func (w witness) Do(req *policy.Request) (*http.Response, error) {
	if w.metadata {
		// NMI's rule applies to new connections only: none is kept, whatever the transport.
		req.Raw().Close = true
	}
	resp, err := req.Next()
	t, ok := req.Raw().Context().Value(testimonyKey{}).(*testimony)
	if !ok {
		return resp, err
	}
	asked := w.metadata || !isDiscovery(req.Raw().URL.Path)
	if err = t.note(w, asked, resp, err); err != nil {
		return nil, err
	}
	return resp, nil
}

func (t *testimony) note(w witness, asked bool, resp *http.Response, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sight = sight{seen: true, source: SourceEntra, err: err, asked: asked || t.asked}
	if w.metadata {
		t.source = SourceMetadata
	}
	if err != nil {
		return err
	}
	body, err := runtime.Payload(resp)
	if err != nil {
		t.err = err
		return err
	}
	t.status, t.header = resp.StatusCode, resp.Header
	if w.metadata {
		t.source = identify(resp.Header)
	}
	if resp.StatusCode/100 == 2 { // MSAL takes 202 for success too
		if w.metadata {
			return t.accept(w.check, body)
		}
		return nil
	}
	// azidentity quotes the body in its error: nothing secret may be in it.
	t.body = []byte(redact(string(body[:min(len(body), maxErrorBody)])))
	resp.Body = io.NopCloser(bytes.NewReader(t.body))
	return nil
}

// maxErrorBody is what is read of an answer that is no token.
const maxErrorBody = 64 << 10

// accept refuses what MSAL would take and cache: an answer without a token, and
// another identity's token.
func (t *testimony) accept(check identityCheck, body []byte) error {
	token := readTokenBody(body)
	if t.shape = token.Shape; t.shape != "" {
		return errMalformed
	}
	t.life = token.Life
	if err := check.verify(token.AccessToken); err != nil {
		errors.As(err, &t.refused)
		return err
	}
	return nil
}

// outcome turns what was seen, and the error azidentity made of it, into the
// input of the decision table.
func (t *testimony) outcome(err error) outcome {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := outcome{source: t.source, status: t.status, err: err}
	var refused *IdentityError
	switch {
	case t.refused != nil || errors.As(err, &refused):
		if refused == nil {
			refused = t.refused
		}
		out.fault, out.err, out.text = FaultIdentity, errors.Join(refused, err), refused.Error()
		if refused.GotClientID == "" && refused.GotTenantID == "" {
			out.fault = FaultOpaque
		}
	case !t.seen:
		out.fault, out.text = FaultOther, redact(oneLine(err.Error()))
	case t.err != nil:
		out.fault, out.err = FaultTransport, errors.Join(err, t.err)
		out.text = redact(oneLine(t.err.Error()))
	case !t.asked && t.status/100 == 2:
		out.fault, out.text = FaultDiscovery, redact(oneLine(err.Error()))
	case t.status/100 == 2 || errors.Is(err, errMalformed):
		out.fault, out.text = FaultMalformed, t.shape
	default:
		out.fault = FaultAnswer
		out.codes = readCodes(t.body)
		out.text = readText(t.body)
		out.retryAfter = readRetryAfter(t.header, time.Now())
	}
	return out
}

// outcomeOf judges the error of a credential given to Wrap, whose requests nobody saw.
func outcomeOf(err error) outcome {
	out := outcome{source: SourceWrapped, fault: FaultOther, err: err}
	var failed *azidentity.AuthenticationFailedError
	var refused *IdentityError
	switch {
	case errors.As(err, &refused):
		out.fault = FaultIdentity
	case errors.Is(err, errMalformed):
		out.fault = FaultMalformed
	case errors.As(err, &failed) && failed.RawResponse != nil:
		t := &testimony{}
		body, _ := runtime.Payload(failed.RawResponse) //nolint:errcheck // without a body the status decides
		t.seen, t.source, t.status = true, SourceWrapped, failed.RawResponse.StatusCode
		if req := failed.RawResponse.Request; req != nil && req.URL.Host == metadataHost {
			t.source = identify(failed.RawResponse.Header)
		}
		t.header, t.body = failed.RawResponse.Header, body
		out = t.outcome(err)
	case errors.As(err, &failed):
		out.fault = FaultTransport // azidentity gives no response when none arrived
		out.codes = readCodes([]byte(err.Error()))
	default:
		out.codes = readCodes([]byte(err.Error()))
		out.text = redact(oneLine(err.Error()))
	}
	return out
}

// answered says who gave a token and, if it was said, for how long from now.
func (t *testimony) answered() (Source, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.source, t.life
}
