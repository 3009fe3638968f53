package catalog_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/catalog/catalogtest"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got); run with -update to accept:\n%s", path, diff)
	}
}

func reports() map[string]func(*catalog.Catalog, io.Writer) error {
	return map[string]func(*catalog.Catalog, io.Writer) error{
		"report.txt": func(c *catalog.Catalog, w io.Writer) error { return c.WriteText(w, nil) },
		"report-colour.txt": func(c *catalog.Catalog, w io.Writer) error {
			return c.WriteText(w, &catalog.ReportOptions{Colour: true, Least: catalog.Blocking})
		},
		"report.json":  (*catalog.Catalog).WriteJSON,
		"report.md":    func(c *catalog.Catalog, w io.Writer) error { return c.WriteMarkdown(w, nil) },
		"needs.csv":    (*catalog.Catalog).WriteNeedsCSV,
		"matrix.txt":   func(c *catalog.Catalog, w io.Writer) error { return c.Matrix(nil).WriteText(w) },
		"matrix.md":    func(c *catalog.Catalog, w io.Writer) error { return c.Matrix(nil).WriteMarkdown(w) },
		"findings.csv": func(c *catalog.Catalog, w io.Writer) error { return c.WriteFindingsCSV(w, nil) },
	}
}

func small(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Reconcile(catalogtest.Small().Snapshots, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestReports(t *testing.T) {
	c := small(t)
	for name, write := range reports() {
		var b bytes.Buffer
		if err := write(c, &b); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

// hostile is a catalog whose every text tries to break out of its cell.
func hostile() *catalog.Catalog {
	bad := []string{"=cmd|' /C calc'!A0", "a|b`c`<script>", "x\ny\r\nz", "\x1b[31mred\x07", "user\u202etxt.exe", "tab\tbed", "+1", "-1", "@x", strings.Repeat("n", 253), "zero\u200bwidth", "\xff\xfe"}
	c := &catalog.Catalog{}
	for _, s := range bad {
		c.Clusters = append(c.Clusters, catalog.Cluster{Name: s, Region: s, PodIdentityMode: catalog.PodIdentityMode(s)})
		c.Needs = append(c.Needs, catalog.Need{Cluster: s, Namespace: s, ServiceAccount: s, Selector: s, State: catalog.State(s), Bindings: []string{s},
			Identity: catalog.Identity{Kind: catalog.UserAssigned, Name: s, ResourceID: s, ClientID: s}, Workloads: []catalog.WorkloadRef{{Kind: s, Name: s}}})
		c.Findings = append(c.Findings, catalog.Finding{Code: catalog.Code(s), Severity: catalog.Severity(s), Cluster: s, Namespace: s, Object: s, Message: s, Remedy: s})
	}
	return c
}

func TestHostileNamesDoNotBreakReports(t *testing.T) {
	c := hostile()
	for name, write := range reports() {
		var b bytes.Buffer
		if err := write(c, &b); err != nil {
			t.Fatal(err)
		}
		for _, r := range b.String() {
			if r != '\n' && !unicode.IsPrint(r) && name != "report.json" {
				t.Errorf("%s holds %U raw", name, r)
			}
		}
	}
}

func TestMarkdownCellsStayInTheirRow(t *testing.T) {
	var b bytes.Buffer
	if err := hostile().WriteMarkdown(&b, nil); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		bars := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if bars != 7 && bars != 8 {
			t.Errorf("row of %d bars: %s", bars, line)
		}
	}
	if strings.Contains(b.String(), "<script") {
		t.Error("HTML is not escaped")
	}
}

func TestCSVCellsAreNoFormulas(t *testing.T) {
	var b bytes.Buffer
	if err := hostile().WriteNeedsCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(hostile().Needs)+1 {
		t.Errorf("%d rows", len(rows))
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a spreadsheet runs %q", cell)
			}
		}
	}
}

func TestJSONGoesBothWays(t *testing.T) {
	c := small(t)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back catalog.Catalog
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, &back); diff != "" {
		t.Error(diff)
	}
}

func TestJSONArraysAreNeverNull(t *testing.T) {
	text, err := json.Marshal(catalog.Catalog{Clusters: []catalog.Cluster{{}}, Needs: []catalog.Need{{}}})
	if err != nil {
		t.Fatal(err)
	}
	empty, err := json.Marshal(&catalog.Catalog{})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text)+string(empty), "null") {
		t.Errorf("null in %s or %s", text, empty)
	}
}

func TestReportsPassErrorsOn(t *testing.T) {
	c := small(t)
	for name, write := range reports() {
		if err := write(c, refusing{}); err == nil {
			t.Errorf("%s swallows the writer's error", name)
		}
	}
}

type refusing struct{}

func (refusing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
