package federationtest

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/wimigrate/wimigrate/federation"
)

// Call is one request that reached a Cloud.
type Call struct {
	// N counts all requests from 1; OpN those of the same operation.
	N, OpN int
	// Op is federation.OpList, OpPut or OpDelete.
	Op string
	// Identity is the key of the identity, Credential the name.
	Identity, Credential string
	At                   time.Time
}

// Fault is what happens to a request in place of, or after, what it asks for.
type Fault struct {
	// Status, Code and Message are answered, and nothing is done; a zero Status does the request.
	Status        int
	Code, Message string
	// RetryAfter is the header, in whole seconds.
	RetryAfter time.Duration
	// DropRequest loses the request, DropReply does it and loses the answer.
	DropRequest, DropReply bool
	// Delay is waited first.
	Delay time.Duration
}

// Mix is the share of requests, from 0 to 1, that fail in one way or another.
type Mix struct {
	Conflict, Throttle, Unavailable, DropRequest, DropReply float64
}

// Random returns a Fault function that makes that share of writes fail, reads only by what a read can fail by, from a seed.
func (m Mix) Random(seed uint64) func(Call) *Fault {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(seed, 1))
	return func(call Call) *Fault {
		mu.Lock()
		defer mu.Unlock()
		x, write := rng.Float64(), call.Op != federation.OpList
		take := func(share float64) bool { x -= share; return x < 0 }
		switch {
		case take(m.Conflict) && write:
			return ConflictFault()
		case take(m.Throttle):
			return &Fault{Status: http.StatusTooManyRequests, Code: "TooManyRequests", Message: "The request was throttled.",
				RetryAfter: time.Duration(1+rng.IntN(9)) * time.Second}
		case take(m.Unavailable):
			return &Fault{Status: []int{500, 502, 503, 504}[rng.IntN(4)], Code: "ServiceUnavailable", Message: "The service is unavailable."}
		case take(m.DropRequest):
			return &Fault{DropRequest: true}
		case take(m.DropReply) && write:
			return &Fault{DropReply: true}
		}
		return nil
	}
}

// ConflictFault is what a write is answered that meets another one to the same identity.
func ConflictFault() *Fault {
	return &Fault{Status: http.StatusConflict, Code: federation.CodeConcurrentWrites,
		Message: "Too many Federated Identity Credentials are written concurrently for the managed identity. Concurrent Federated Identity Credentials writes under the same managed identity are not supported."}
}

// First returns a Fault function that answers the first n requests of an operation with a fault.
func First(op string, n int, fault Fault) func(Call) *Fault {
	return func(call Call) *Fault {
		if call.Op != op || call.OpN > n {
			return nil
		}
		return &fault
	}
}
