package federationtest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/pause"
)

// handle takes one request through everything that may happen to it; do is the request itself, called under the lock.
func (c *Cloud) handle(ctx context.Context, op, key, name string, graph bool, do func(*record) *refusal) *refusal {
	fault, refused := c.admit(op, key, name, graph)
	if fault != nil {
		if err := pause.For(ctx, fault.Delay); err != nil {
			return &refusal{dropped: true, text: err.Error()}
		}
		if fault.DropRequest {
			return c.count(&refusal{dropped: true, text: "connection reset before the request arrived"})
		}
		if fault.Status != 0 {
			return c.count(&refusal{status: fault.Status, code: fault.Code, text: fault.Message, retryAfter: fault.RetryAfter})
		}
	}
	if refused != nil {
		return c.count(refused)
	}
	refused = c.perform(ctx, op, key, graph, do)
	if fault != nil && fault.DropReply {
		return c.count(&refusal{dropped: true, text: "connection reset before the answer arrived"})
	}
	return c.count(refused)
}

// admit records the request, asks the script, and takes a token of every bucket.
func (c *Cloud) admit(op, key, name string, graph bool) (*Fault, *refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := Call{N: len(c.calls) + 1, OpN: 1, Op: op, Identity: key, Credential: name, At: time.Now()}
	for _, earlier := range slices.Backward(c.calls) {
		if earlier.Op == op {
			call.OpN = earlier.OpN + 1
			break
		}
	}
	c.calls = append(c.calls, call)
	var fault *Fault
	if c.opts.Fault != nil {
		fault = c.opts.Fault(call)
	}
	if fault != nil && (fault.Status != 0 || fault.DropRequest) {
		return fault, nil
	}
	return fault, c.throttle.take(op, key, graph)
}

// perform does the request, with the time that it takes. Writes hold their identity for that time.
func (c *Cloud) perform(ctx context.Context, op, key string, graph bool, do func(*record) *refusal) *refusal {
	r, refused := c.enter(op, key, graph)
	if refused != nil {
		return refused
	}
	defer c.leave(op, r)
	if err := pause.For(ctx, c.opts.Latency); err != nil {
		return &refusal{dropped: true, text: err.Error()}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return do(r)
}

func (c *Cloud) enter(op, key string, graph bool) (*record, *refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.records[key]
	if r == nil || time.Since(r.added) < c.opts.ParentDelay {
		return nil, missing(key, graph)
	}
	if op == federation.OpList {
		return r, nil
	}
	if r.writing {
		fault := ConflictFault()
		return nil, refuse(fault.Status, fault.Code, "%s", fault.Message)
	}
	r.writing = true
	return r, nil
}

func (c *Cloud) leave(op string, r *record) {
	if op == federation.OpList {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r.writing = false
}

func missing(key string, graph bool) *refusal {
	if graph {
		return refuse(http.StatusNotFound, "Request_ResourceNotFound",
			"Resource '%s' does not exist or one of its queried reference-property objects are not present.", key)
	}
	return refuse(http.StatusNotFound, federation.CodeParentNotFound,
		"Can not perform requested operation on nested resource. Parent resource '%s' not found.", key)
}

// count keeps the number of refusals by status; a lost request or reply counts as "dropped".
func (c *Cloud) count(r *refusal) *refusal {
	if r == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.dropped {
		c.refused["dropped"]++
	} else {
		c.refused[fmt.Sprint(r.status)]++
	}
	return r
}

// Calls returns every request so far, in order of arrival.
func (c *Cloud) Calls() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// Refused returns how many requests were answered with each HTTP status of 400 and above; "dropped" counts lost requests and replies.
func (c *Cloud) Refused() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.refused)
}

// list returns what a reader sees of a record. The caller holds the lock.
func (c *Cloud) list(r *record) []federation.Credential {
	return r.at(time.Now().Add(-c.opts.Lag))
}
