package credential

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// EventKind names what happened.
type EventKind string

const (
	// EventFailed is a failed try. Wait says when the next one leaves, if one does.
	EventFailed EventKind = "failed"
	// EventToken is a new token.
	EventToken EventKind = "token"
	// EventWrongIdentity is a token refused because it was another identity's.
	EventWrongIdentity EventKind = "wrongIdentity"
	// EventGaveUp is the end of a request without a token.
	EventGaveUp EventKind = "gaveUp"
	// EventFallbackStarted is the turn to pod identity.
	EventFallbackStarted EventKind = "fallbackStarted"
	// EventFallbackEnded is the return to workload identity, for good.
	EventFallbackEnded EventKind = "fallbackEnded"
)

// Event tells what a Credential did. It never holds a token or an assertion.
type Event struct {
	Time     time.Time     `json:"time"`
	Kind     EventKind     `json:"kind"`
	Path     Path          `json:"path"`
	Source   Source        `json:"source,omitempty"`
	Scope    string        `json:"scope,omitempty"`
	Attempt  int           `json:"attempt,omitempty"`  // requests sent so far for this token
	Decision string        `json:"decision,omitempty"` // row of the decision table
	Status   int           `json:"status,omitempty"`
	Codes    []int         `json:"codes,omitempty"`
	Wait     time.Duration `json:"waitNanoseconds,omitempty"`
	Expires  time.Time     `json:"expires,omitzero"`
	Message  string        `json:"message,omitempty"`
}

// reporter passes events on, one at a time.
type reporter struct {
	mu       sync.Mutex
	on       func(Event)
	logger   *slog.Logger
	identity string
}

func (r *reporter) report(ctx context.Context, e Event) {
	e.Time = time.Now()
	level := slog.LevelInfo
	if e.Kind == EventFailed || e.Kind == EventToken {
		level = slog.LevelDebug
	}
	r.logger.LogAttrs(ctx, level, "credential",
		slog.String("event", string(e.Kind)), slog.String("identity", r.identity), slog.String("step", string(e.Path)), slog.String("source", string(e.Source)),
		slog.String("scope", e.Scope), slog.Int("attempt", e.Attempt), slog.String("decision", e.Decision),
		slog.Int("status", e.Status), slog.Any("codes", e.Codes), slog.Duration("wait", e.Wait), slog.String("message", e.Message))
	if r.on == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.on(e)
}
