// Package refusal turns what an azcore pipeline returns into the errors that federation speaks.
package refusal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/wimigrate/wimigrate/federation"
)

// maxMessage bounds what is kept of a service's message, in bytes.
const maxMessage = 2000

// Call is one call of a Store.
type Call struct {
	// Package prefixes errors that are not the service's own.
	Package string
	// Op, Identity and Credential are those of federation.StoreError.
	Op, Identity, Credential string
}

// Error returns err as a *federation.StoreError: with what the service said, or with status 0 where no answer came. An ended
// context, and an error that azcore itself calls not retriable (such as a credential that yields no token), are no answer of the
// service and stay what they are.
func (c Call) Error(err error) error {
	if err == nil {
		return nil
	}
	if answer, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return c.answered(answer)
	}
	_, final := errors.AsType[interface {
		error
		NonRetriable()
	}](err)
	if final || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return c.Local(err)
	}
	return &federation.StoreError{Op: c.Op, Identity: c.Identity, Credential: c.Credential, Err: err}
}

// Local is an error that no service has answered and that trying again does not mend.
func (c Call) Local(err error) error {
	object := c.Identity
	if c.Credential != "" {
		object += ": credential " + c.Credential
	}
	return fmt.Errorf("%s: %s %s: %w", c.Package, c.Op, object, err)
}

func (c Call) answered(answer *azcore.ResponseError) error {
	e := &federation.StoreError{
		Op: c.Op, Identity: c.Identity, Credential: c.Credential,
		Status: answer.StatusCode, Code: answer.ErrorCode, Err: answer,
	}
	if answer.RawResponse == nil {
		return e
	}
	e.RetryAfter = retryAfter(answer.RawResponse.Header)
	if body, err := runtime.Payload(answer.RawResponse); err == nil {
		code, message := parse(body)
		if e.Code == "" {
			e.Code = code
		}
		e.Message = message
	}
	return e
}

// parse reads the code and the message of an error body of ARM or Graph: {"error": {…}}, or the same without the wrapper.
func parse(body []byte) (code, message string) {
	type said struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	var wrapped struct {
		Error *said `json:"error"`
		said
	}
	if json.Unmarshal(body, &wrapped) != nil {
		return "", ""
	}
	s := wrapped.said
	if wrapped.Error != nil {
		s = *wrapped.Error
	}
	if len(s.Message) > maxMessage {
		s.Message = strings.ToValidUTF8(s.Message[:maxMessage], "") + "…"
	}
	return s.Code, s.Message
}

// retryAfter reads the wait that a service asks for, in the three headers that Azure uses, as azcore does; zero for none.
func retryAfter(h http.Header) time.Duration {
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if n, err := strconv.Atoi(h.Get(name)); err == nil && n > 0 {
			return time.Duration(n) * time.Millisecond
		}
	}
	value := h.Get("Retry-After")
	if n, err := strconv.Atoi(value); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(time.Until(at), 0)
	}
	return 0
}

// CheckName refuses names that a URL would not carry to the credential: DELETE …/federatedIdentityCredentials/.. might reach the
// identity itself.
func CheckName(name string) error {
	if strings.Trim(name, ".") == "" {
		return fmt.Errorf("%q is no name of a credential", name)
	}
	return nil
}
