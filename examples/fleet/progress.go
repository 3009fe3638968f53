package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/wimigrate/wimigrate/catalog"
)

// progress draws one line on a terminal while the clusters are read, and nothing elsewhere.
type progress struct {
	w       io.Writer
	reading map[string]bool
}

func newProgress(w io.Writer) *progress {
	if !terminal(w) {
		w = nil
	}
	return &progress{w: w, reading: map[string]bool{}}
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (p *progress) cluster(e catalog.Progress) {
	if p.w == nil {
		return
	}
	if !e.Done {
		p.reading[e.Cluster] = true
	} else {
		delete(p.reading, e.Cluster)
		if !e.Coverage.Complete {
			fmt.Fprintf(p.w, "\r\x1b[K%s: incomplete, %d gaps\n", e.Cluster, len(e.Coverage.Gaps))
		}
	}
	fmt.Fprintf(p.w, "\r\x1b[K%d of %d clusters read, %d under way", e.Finished, e.Total, len(p.reading))
}

func (p *progress) end() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
