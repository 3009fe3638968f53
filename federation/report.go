package federation

import "time"

// Result says what became of a change.
type Result string

const (
	// Unchanged means: the plan keeps it.
	Unchanged Result = "unchanged"
	// Applied means: written, and read back.
	Applied Result = "applied"
	// Found means: it was there already, from an earlier run of the same plan or from a write whose reply was lost.
	Found Result = "found"
	// Failed means: it could not be made; the error says why.
	Failed Result = "failed"
	// Unknown means: it was sent, and the run ended before it was answered or read back. Running again settles it.
	Unknown Result = "unknown"
	// Refused means: nothing was tried, because the identity is blocked or has changed.
	Refused Result = "refused"
	// Skipped means: nothing was tried, because the run ended or an earlier failure makes it pointless.
	Skipped Result = "skipped"
)

// Outcome is a change and what became of it.
type Outcome struct {
	Change
	Result Result `json:"result"`
	// Attempts is how many times it was sent.
	Attempts int `json:"attempts,omitempty"`
	// Written is when the service took the write; zero for a change that was not written by this run. Entra honours it some time later.
	Written time.Time `json:"written,omitzero"`
	// Error is the text of what went wrong.
	Error string `json:"error,omitempty"`
}

// Report is what became of a plan. Outcomes are in the plan's order.
type Report struct {
	// Plan is the digest of the plan.
	Plan     string    `json:"plan"`
	Outcomes []Outcome `json:"outcomes"`
}

// Count returns how many outcomes have the result.
func (r *Report) Count(result Result) int {
	n := 0
	for i := range r.Outcomes {
		if r.Outcomes[i].Result == result {
			n++
		}
	}
	return n
}

// Complete reports that every change of the plan is in force.
func (r *Report) Complete() bool {
	return r.Count(Failed)+r.Count(Unknown)+r.Count(Refused)+r.Count(Skipped) == 0
}

// EventType says what happened.
type EventType string

const (
	// EventWriting means: a request is about to be sent.
	EventWriting EventType = "writing"
	// EventRetry means: an attempt failed and will be repeated after Wait.
	EventRetry EventType = "retry"
	// EventWritten means: the service took the write.
	EventWritten EventType = "written"
	// EventDone means: a change has its Result.
	EventDone EventType = "done"
)

// Event is one step of Apply.
type Event struct {
	Type EventType `json:"type"`
	// Change is the change it is about; for a listing only Identity is set.
	Change Change `json:"change"`
	// Attempt counts from 1.
	Attempt int `json:"attempt,omitempty"`
	// Wait is the pause before the next attempt, in nanoseconds in JSON.
	Wait   time.Duration `json:"wait,omitempty"`
	Result Result        `json:"result,omitempty"`
	Error  string        `json:"error,omitempty"`
	// Done of Total pending changes have a result.
	Done  int `json:"done"`
	Total int `json:"total"`
}
