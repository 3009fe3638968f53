package credentialtest

import (
	"context"
	"net/http"
	"os"
	"sync"
	"time"
)

// Phase is a behaviour that lasts for a time.
type Phase struct {
	Behaviour Behaviour
	For       time.Duration
}

// Timeline is a token source that fails in one way after another and then
// recovers. In memory it is a transport, which also plays the failures of a
// network; over sockets it is an [http.Handler] that Drive takes through its
// phases. It is safe for concurrent use.
type Timeline struct {
	healthy http.Handler
	phases  []Phase

	mu       sync.Mutex
	start    time.Time
	requests int
}

// NewTimeline returns a source that goes through the phases and then answers as
// healthy does. Time begins with the first request, or with Start.
func NewTimeline(healthy http.Handler, phases ...Phase) *Timeline {
	return &Timeline{healthy: healthy, phases: append([]Phase(nil), phases...)}
}

// Start begins the first phase now, unless it has begun.
func (t *Timeline) Start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.start.IsZero() {
		t.start = time.Now()
	}
}

// Recovery returns when the last phase ends. It is zero before the start.
func (t *Timeline) Recovery() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.start.IsZero() {
		return time.Time{}
	}
	end := t.start
	for _, p := range t.phases {
		end = end.Add(p.For)
	}
	return end
}

// Requests returns how many requests were made, failed dials included.
func (t *Timeline) Requests() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.requests
}

// now returns the present behaviour and how long it goes on; ok is false after
// the last phase.
func (t *Timeline) now() (b Behaviour, left time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	gone := time.Since(t.start)
	for _, p := range t.phases {
		if gone < p.For {
			return p.Behaviour, p.For - gone, true
		}
		gone -= p.For
	}
	return Behaviour{}, 0, false
}

func (t *Timeline) arrive() {
	t.Start()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests++
}

// Do is RoundTrip under the name that azcore asks for.
func (t *Timeline) Do(r *http.Request) (*http.Response, error) { return t.RoundTrip(r) }

// RoundTrip implements [http.RoundTripper], without sockets.
func (t *Timeline) RoundTrip(r *http.Request) (*http.Response, error) {
	t.arrive()
	if err := t.connect(r.Context()); err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	return roundTrip(http.HandlerFunc(t.serve), r, "127.0.0.1:40000")
}

// connect plays what happens before a server sees the request.
func (t *Timeline) connect(ctx context.Context) error {
	for {
		b, left, ok := t.now()
		switch {
		case ok && b.kind == refused:
			return refusedError()
		case ok && b.kind == synDropped:
			delay, through := synDelay(left, b.dial)
			if err := wait(ctx, delay); err != nil {
				return err
			}
			if !through {
				return dialError(os.ErrDeadlineExceeded)
			}
		default:
			return nil
		}
	}
}

// ServeHTTP plays the behaviours of a server; those of a network, which a
// handler cannot play, reset the connection. See Drive.
func (t *Timeline) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.arrive()
	t.serve(w, r)
}

func (t *Timeline) serve(w http.ResponseWriter, r *http.Request) {
	for {
		b, left, ok := t.now()
		switch {
		case !ok:
			t.healthy.ServeHTTP(w, r)
			return
		case b.kind == answering:
			b.answer.ServeHTTP(w, r)
			return
		case b.kind == held:
			if !sleep(r, left) {
				abort()
			}
		case b.kind == neverAnswered:
			<-r.Context().Done()
			abort()
		default:
			abort()
		}
	}
}

// Drive starts the timeline on a server whose handler it is, and changes the
// server's condition for the behaviours of a network. It returns when the server
// is up again after the last phase; if ctx ends or the system cannot play a
// behaviour it returns that error, with the server up.
func (t *Timeline) Drive(ctx context.Context, s *Server) error {
	t.Start()
	for {
		b, left, ok := t.now()
		if !ok {
			return s.Up()
		}
		var err error
		switch b.kind {
		case refused:
			err = s.Refuse()
		case synDropped:
			err = s.Drop()
		case answering, neverAnswered, held:
			err = s.Up()
		}
		if err == nil {
			err = wait(ctx, left)
		}
		if err != nil {
			_ = s.Up()
			return err
		}
	}
}
