package survivaltest

import (
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"time"
)

// Panel is the table of one credential in a drawing.
type Panel struct {
	Title string
	Cells []Cell
}

const (
	cellWidth, cellHeight = 62, 22
	labelWidth            = 200
	panelHead             = 44
	panelGap              = 16
	top                   = 64
)

// WriteSVG draws the panels below each other: green cells got their token within two
// seconds of the source's recovery, yellow to orange ones later, red ones never.
func WriteSVG(w io.Writer, panels ...Panel) error {
	var b strings.Builder
	width, height := labelWidth, top
	for _, p := range panels {
		width = max(width, labelWidth+cellWidth*len(headings(p.Cells))+16)
		height += panelHead + cellHeight*len(behaviours(p.Cells)) + panelGap
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="system-ui, sans-serif" font-size="11">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/>`+"\n")
	text(&b, 12, 22, "start", `font-size="15" font-weight="600"`, "A token source fails for a while. Who gets a token, and how late?")
	text(&b, 12, 42, "start", `fill="#555"`, "In the cell: seconds from the source's recovery to the token. ✗: gave up. Columns: how long the failure lasted.")
	y := top
	for _, p := range panels {
		survived, latest := Summary(p.Cells)
		text(&b, 12, y+15, "start", `font-size="13" font-weight="600"`,
			fmt.Sprintf("%s: %d of %d survived, at most %.1f s late", p.Title, survived, len(p.Cells), latest.Seconds()))
		drawPanel(&b, p, y+panelHead)
		y += panelHead + cellHeight*len(behaviours(p.Cells)) + panelGap
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func drawPanel(b *strings.Builder, p Panel, y int) {
	columns, rows := headings(p.Cells), behaviours(p.Cells)
	for i, h := range columns {
		text(b, labelWidth+i*cellWidth+cellWidth/2, y-6, "middle", `fill="#555"`, h)
	}
	for i, name := range rows {
		text(b, labelWidth-8, y+i*cellHeight+15, "end", "", name)
	}
	for _, c := range p.Cells {
		x := labelWidth + slices.Index(columns, c.Window.String())*cellWidth
		cy := y + slices.Index(rows, c.Behaviour)*cellHeight
		label := "✗"
		if c.Survived {
			label = fmt.Sprintf("%.1f", c.Late.Seconds())
		}
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" rx="3" fill="%s"><title>%s, %s: %s</title></rect>`+"\n",
			x+1, cy+1, cellWidth-2, cellHeight-2, colour(c), html.EscapeString(c.Behaviour), c.Window, html.EscapeString(c.String()))
		text(b, x+cellWidth/2, cy+15, "middle", `fill="#fff"`, label)
	}
}

// colour goes from green through amber to red.
func colour(c Cell) string {
	switch {
	case !c.Survived:
		return "#b3261e"
	case c.Late <= 2*time.Second:
		return "#2e7d32"
	case c.Late <= 10*time.Second:
		return "#b7890b"
	}
	return "#c4650c"
}

func text(b *strings.Builder, x, y int, anchor, attributes, s string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="%s" %s>%s</text>`+"\n", x, y, anchor, attributes, html.EscapeString(s))
}
