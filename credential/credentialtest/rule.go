package credentialtest

import (
	"sync"
	"time"
)

// Answer is what a [Rule] makes Entra say instead of doing its work.
type Answer struct {
	// Code is an AADSTS code, one of [Codes] for a text of its own: the answer
	// then has the status and the body that Entra gives it. Zero: Canned as is.
	Code int
	// Canned carries status, delay and headers. With a Code its Status replaces
	// the usual one if it is set, and its Body is not used.
	Canned
}

// Rule looks at a token request before Entra does and returns the answer to
// give, or nil to let Entra do its work. It is called concurrently.
type Rule func(Exchange) *Answer

// Always gives the same answer to every request.
func Always(a Answer) Rule {
	return func(Exchange) *Answer { return &a }
}

// Times gives the answer to the next n requests.
func Times(n int, a Answer) Rule {
	var mu sync.Mutex
	return func(Exchange) *Answer {
		mu.Lock()
		defer mu.Unlock()
		if n <= 0 {
			return nil
		}
		n--
		return &a
	}
}

// Before gives the answer to all requests that arrive before the instant.
func Before(end time.Time, a Answer) Rule {
	return func(x Exchange) *Answer {
		if x.Time.Before(end) {
			return &a
		}
		return nil
	}
}

// FirstOf asks the rules in order and gives the first answer.
func FirstOf(rules ...Rule) Rule {
	return func(x Exchange) *Answer {
		for _, rule := range rules {
			if a := rule(x); a != nil {
				return a
			}
		}
		return nil
	}
}
