package cutover

import (
	"sync"
	"time"
)

// waitingEvery is how often a person is told at most what a gate waits for.
const waitingEvery = time.Minute

// waits tells whoever listens what a gate is missing so far.
func (t Target) waits(soFar Verdict) {
	if t.Waiting != nil {
		t.Waiting(soFar)
	}
}

// waiting makes events of what the step's gate says that it waits for: of a gate that is soon through, none.
func (u *unitRun) waiting(s *Step) func(Verdict) {
	var mu sync.Mutex
	told, last := time.Now(), ""
	return func(v Verdict) {
		mu.Lock()
		defer mu.Unlock()
		if v.Result == Pass || v.Reason == last || time.Since(told) < waitingEvery {
			return
		}
		told, last = time.Now(), v.Reason
		u.tell(Event{Type: EventWaiting, Step: s.ID, Message: v.Reason, Verdict: &v})
	}
}
