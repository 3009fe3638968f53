package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/cutover"
)

// timeline prints events as they come, and draws at the end when each unit was where.
type timeline struct {
	out    io.Writer
	begin  time.Time
	end    time.Time
	states map[string][]moment
}

type moment struct {
	at    time.Time
	state cutover.State
}

func newTimeline(out io.Writer) *timeline {
	return &timeline{out: out, begin: time.Now(), states: map[string][]moment{}}
}

func (t *timeline) event(e cutover.Event) {
	t.end = e.Time
	at := e.Time.Sub(t.begin).Seconds()
	switch e.Type {
	case cutover.EventWave:
		fmt.Fprintf(t.out, "%6.1fs %s\n", at, e.Message)
		return
	case cutover.EventState, cutover.EventFrozen:
		t.states[e.Unit] = append(t.states[e.Unit], moment{e.Time, e.State})
		fmt.Fprintf(t.out, "%6.1fs %-34s ▸ %s %s\n", at, e.Unit, e.State, firstLine(e.Message))
		return
	case cutover.EventVerdict:
		if e.Verdict.Result == cutover.Pass {
			return
		}
		fmt.Fprintf(t.out, "%6.1fs %-34s %s %s: %s\n", at, e.Unit, e.Step, e.Verdict.Result, firstLine(e.Verdict.Reason))
		return
	case cutover.EventWaiting:
		fmt.Fprintf(t.out, "%6.1fs %-34s   %s waits: %s\n", at, e.Unit, e.Step, firstLine(e.Message))
		return
	case cutover.EventUndo:
		fmt.Fprintf(t.out, "%6.1fs %-34s undo %s\n", at, e.Unit, e.Message)
		return
	case cutover.EventWrite:
		fmt.Fprintf(t.out, "%6.1fs %-34s   %s: %s\n", at, e.Unit, e.Step, firstLine(e.Message))
		return
	case cutover.EventStep: // it may take long, as a load window does
		fmt.Fprintf(t.out, "%6.1fs %-34s · %s\n", at, e.Unit, e.Step)
		return
	}
	if e.Message != "" {
		fmt.Fprintf(t.out, "%6.1fs %-34s %s\n", at, e.Unit, firstLine(e.Message))
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// marks are how the timeline draws states.
var marks = map[cutover.State]rune{
	cutover.Preflighted: 'p', cutover.Trusted: 't', cutover.Annotated: 'a', cutover.Labelled: 'l', cutover.DualPath: 'd',
	cutover.LoadVerified: 'L', cutover.Unbound: 'u', cutover.Soaked: 's', cutover.Done: '█', cutover.Held: 'H', cutover.Frozen: 'F',
	cutover.RollingBack: '<', cutover.RolledBack: 'R',
}

// draw prints a row for every unit that was begun.
func (t *timeline) draw() {
	const width = 72
	fmt.Fprintf(t.out, "\nTimeline, %.1f s: p preflighted, t trusted, a annotated, l labelled, d dual path, L load verified, u unbound, s soaked, █ done, < rolling back, R rolled back\n",
		t.end.Sub(t.begin).Seconds())
	units := make([]string, 0, len(t.states))
	for id := range t.states {
		units = append(units, id)
	}
	slices.Sort(units)
	for _, id := range units {
		row := []rune(strings.Repeat("·", width))
		for _, m := range t.states[id] {
			at := int(float64(width-1) * float64(m.at.Sub(t.begin)) / float64(max(t.end.Sub(t.begin), 1)))
			for i := at; i < width; i++ {
				row[i] = marks[m.state]
			}
		}
		fmt.Fprintf(t.out, "%-34s %s\n", id, string(row))
	}
}
