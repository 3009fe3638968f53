package survivaltest_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/internal/survivaltest"
)

func cells() []survivaltest.Cell {
	return []survivaltest.Cell{
		{Behaviour: "404 <early>", Window: time.Second, Survived: true, Took: 1500 * time.Millisecond, Late: 500 * time.Millisecond, Requests: 3},
		{Behaviour: "404 <early>", Window: time.Minute, Survived: true, Took: 65 * time.Second, Late: 5 * time.Second, Requests: 7},
		{Behaviour: "403", Window: time.Second, Took: 0, Requests: 1, Err: errors.New("no")},
		{Behaviour: "403", Window: time.Minute, Survived: true, Took: 2 * time.Minute, Late: time.Minute, Requests: 9},
	}
}

func TestTheTableHasALineForEachBehaviour(t *testing.T) {
	var b strings.Builder
	if err := survivaltest.WriteTable(&b, "x", cells()); err != nil {
		t.Fatal(err)
	}
	want := "x            1s             1m0s\n" +
		"404 <early>  1.5s +0.5 (3)  65.0s +5.0 (7)\n" +
		"403          FAIL 0.0s (1)  120.0s +60.0 (9)\n"
	if b.String() != want {
		t.Errorf("got\n%s", b.String())
	}
	if survived, latest := survivaltest.Summary(cells()); survived != 3 || latest != time.Minute {
		t.Errorf("summary %d, %s", survived, latest)
	}
}

func TestTheDrawingIsWellFormed(t *testing.T) {
	var b bytes.Buffer
	if err := survivaltest.WriteSVG(&b, survivaltest.Panel{Title: "a & b", Cells: cells()}, survivaltest.Panel{Title: "c", Cells: cells()}); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(&b); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRetryAfterMovesTheMomentThatCounts(t *testing.T) {
	found := 0
	for _, r := range survivaltest.Rows() {
		if r.RetryAfter > 0 {
			found++
		}
	}
	if found != 2 || len(survivaltest.Rows()) < 13 {
		t.Errorf("%d rows, %d with a Retry-After", len(survivaltest.Rows()), found)
	}
}
