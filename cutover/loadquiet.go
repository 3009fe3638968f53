package cutover

import (
	"context"
	"fmt"
)

// loadQuiet follows NMI's counters through a window (V4). The counters add up, so a reading that failed is made good by the next one;
// an NMI that restarted or left is not.
type loadQuiet struct {
	last []NMIReading
	// earlier names what was leaving the old path at the last reading.
	earlier rightful
	began   bool
	reads   int
	// failing are the readings that speak against the unit; gap says what can no longer be known in this window; unread, why the
	// newest state is not known.
	failing     []Evidence
	gap, unread string
}

func (q *loadQuiet) read(ctx context.Context, t Target) {
	if t.Oracle == nil {
		q.unread = "the runner has no PathOracle"
		return
	}
	still := leaving(ctx, t) // before the counters are read: what is through by then asks no more
	now, err := t.Oracle.OldPath(ctx, t.Unit.Cluster, t.Unit.Namespace)
	if err != nil {
		q.unread = err.Error()
		return
	}
	earlier := q.earlier
	q.earlier = still
	q.unread = ""
	if !q.began {
		q.last, q.began = now, true
		return
	}
	q.reads++
	for _, e := range silence(ctx, t, q.last, now, earlier) {
		switch {
		case e.Result == Fail:
			q.failing = append(q.failing, e)
		case e.Result != Pass && q.gap == "":
			q.gap = e.String()
		}
	}
	q.last = now
}

// evidence is what NMI's counters say about the window so far.
func (q *loadQuiet) evidence(namespace string) []Evidence {
	if len(q.failing) > 0 {
		return q.failing
	}
	e := Evidence{Check: "V4", Object: "Namespace/" + namespace, Want: "an NMI that serves nothing", Result: Inconclusive}
	switch {
	case q.unread != "":
		e.Got = q.unread
	case q.gap != "":
		e.Got = q.gap
	case q.reads == 0:
		e.Got = "its counters were read only once"
	default:
		e.Result, e.Got = Pass, fmt.Sprintf("no NMI served it anything in %d looks", q.reads)
	}
	return []Evidence{e}
}
