package cutovertest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// Fault is one way in which a call goes wrong.
type Fault string

// The faults that [Faults] makes.
const (
	// FaultReplyLost makes the call, and breaks the connection before its answer.
	FaultReplyLost Fault = "reply lost"
	// FaultCut breaks the connection before the call is made.
	FaultCut Fault = "cut"
	// FaultConflict refuses a write with 409, as if somebody else had written in between.
	FaultConflict Fault = "409"
	// FaultBusy refuses with 429 and a Retry-After of a few seconds; FaultBusyBare without one.
	FaultBusy     Fault = "429 with Retry-After"
	FaultBusyBare Fault = "429"
	// FaultBroken refuses with 500, FaultUnavailable with 503.
	FaultBroken      Fault = "500"
	FaultUnavailable Fault = "503"
	// FaultHang says nothing for a minute and then breaks the connection, with the call made or not.
	FaultHang Fault = "hang"
	// FaultStale answers a read of one object with an older state of it.
	FaultStale Fault = "stale"
	// FaultGap lets a watch miss what happens for a while, and say so; FaultWatchEnds ends it with an error.
	FaultGap       Fault = "gap"
	FaultWatchEnds Fault = "watch ends"
	// FaultFenced refuses a save of a journal, as if another runner had made one.
	FaultFenced Fault = "fenced"
	// FaultMiss is an Entra whose region does not know a credential that another region knows: AADSTS70021.
	FaultMiss Fault = "AADSTS70021"
)

// FaultOptions tune [Faults]; the zero value of a field means its default.
type FaultOptions struct {
	// Rate is the share of calls that go wrong. Default: 0.03.
	Rate float64
	// Only restricts the faults. Default: all of them.
	Only []Fault
}

// Faults stands between a runner and its world and lets calls go wrong. Whether one does, and how, follows from the seed, from what is
// called, and from how often it was called before; not from what else goes on. It is safe for concurrent use.
type Faults struct {
	seed uint64
	rate float64
	only map[Fault]bool

	mu    sync.Mutex
	calm  bool
	calls map[string]uint64
	made  map[Fault]int
}

// NewFaults returns faults by a seed; opts may be nil.
func NewFaults(seed uint64, opts *FaultOptions) *Faults {
	f := &Faults{seed: seed, rate: 0.03, calls: map[string]uint64{}, made: map[Fault]int{}}
	if opts == nil {
		return f
	}
	if opts.Rate != 0 {
		f.rate = opts.Rate
	}
	if len(opts.Only) > 0 {
		f.only = map[Fault]bool{}
		for _, x := range opts.Only {
			f.only[x] = true
		}
	}
	return f
}

// Stop makes the world calm from now on.
func (f *Faults) Stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calm = true
}

// Made says how often each fault happened.
func (f *Faults) Made() map[Fault]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.made)
}

// next says what goes wrong with a call, "" for nothing, and returns a source for the details.
func (f *Faults) next(call string, kinds ...Fault) (Fault, *rand.Rand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.calls[call]
	f.calls[call]++
	h := fnv.New64a()
	_, _ = h.Write([]byte(call))
	rng := rand.New(rand.NewPCG(f.seed, h.Sum64()+n))
	if f.calm || rng.Float64() >= f.rate {
		return "", rng
	}
	kind := kinds[rng.IntN(len(kinds))]
	if f.only != nil && !f.only[kind] {
		return "", rng
	}
	f.made[kind]++
	return kind, rng
}

// call makes one call under a fault: the error is what the caller sees, and it is nil when the call was made and its answer arrived.
func (k Fault) call(ctx context.Context, rng *rand.Rand, do func() error) error {
	switch k {
	case FaultReplyLost:
		_ = do() // it happens, and nobody hears how
		return fmt.Errorf("http2: server sent GOAWAY: %w", io.ErrUnexpectedEOF)
	case FaultCut:
		return &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
	case FaultHang:
		if rng.IntN(2) == 0 {
			_ = do()
		}
		if err := pause.For(ctx, time.Minute); err != nil {
			return err
		}
		return &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
	case FaultConflict:
		return apierrors.NewConflict(schema.GroupResource{Resource: "things"}, "thing",
			errors.New("the object has been modified; please apply your changes to the latest version and try again"))
	case FaultBusy:
		return apierrors.NewTooManyRequests("too many requests", 1+rng.IntN(10))
	case FaultBusyBare:
		return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusTooManyRequests,
			Reason: metav1.StatusReasonTooManyRequests}}
	case FaultBroken:
		return apierrors.NewInternalError(errors.New("etcdserver: leader changed"))
	case FaultUnavailable:
		return apierrors.NewServiceUnavailable("apiserver is shutting down")
	case FaultStale, FaultGap, FaultWatchEnds, FaultFenced, FaultMiss:
	}
	return do()
}
