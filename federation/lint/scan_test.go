package lint_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/federation/lint"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func estate() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"infra/main.tf":             file("resource \"x\" \"y\" {\n  issuer = \"" + east + "\"\n}\n"),
		"infra/prod.tfvars":         file("issuer = \"" + rebuilt + "\"\n"),
		"infra/vars.tf.json":        file(`{"locals": {"issuer": "` + east + `"}}`),
		"infra/fic.bicep":           file("// was " + rebuilt + "\nparam issuer string = '" + east + "'\n"),
		"infra/params.json":         file(`{"issuer": {"value": "` + east + `"}}`),
		"gitops/fic.yaml":           file("spec:\n  issuer: " + onPrem + "\n"),
		"gitops/ours.yaml":          file("# wimigrate:ignore pasted-issuer not on AKS\nissuer: " + onPrem + "\n"),
		"docs/run book.md":          file("Then run\n\n    az identity federated-credential create --issuer " + rebuilt + "\n"),
		"bin/trust.sh":              file("#!/bin/sh\nISSUER=\"https://$1.oic.prod-aks.azure.com/$2/$3/\"\nOTHER='" + east + "'\n"),
		"bin/trust.ps1":             file("\xff\xfe" + wide("$i = '"+east+"'\r\n")),
		"infra/.terraform/cache.tf": file(east),
		".git/config.json":          file(east),
		"README.md":                 file("nothing here"),
		"main.go":                   file(east),
	}
}

func wide(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.Write([]byte{c, 0})
	}
	return b.String()
}

func TestScanOfAnEstate(t *testing.T) {
	report, err := lint.Scan(t.Context(), estate(), &lint.Options{Catalog: fleet()})
	if err != nil {
		t.Fatal(err)
	}
	var text, sarif, again bytes.Buffer
	if err := errors.Join(lint.WriteText(&text, report), lint.WriteSARIF(&sarif, report), lint.WriteSARIF(&again, report)); err != nil {
		t.Fatal(err)
	}
	golden(t, "estate.txt", text.Bytes())
	golden(t, "estate.sarif", sarif.Bytes())
	if !bytes.Equal(sarif.Bytes(), again.Bytes()) {
		t.Error("the same report gave other bytes")
	}
	if got := lint.ExitCode(report, nil); got != lint.ExitFindings {
		t.Errorf("exit code %d, want %d", got, lint.ExitFindings)
	}
}

func TestSARIFHasWhatTheStandardRequires(t *testing.T) {
	report, err := lint.Scan(t.Context(), estate(), &lint.Options{Catalog: fleet()})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := lint.WriteSARIF(&out, report); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID       string
				RuleIndex    int
				Level        string
				Message      struct{ Text string }
				Suppressions []struct{ Kind string }
				Locations    []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine, StartColumn, EndColumn int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Results) != len(report.Findings) {
		t.Fatalf("log %+v does not hold %d findings of one run", log, len(report.Findings))
	}
	for i, res := range log.Runs[0].Results {
		f := report.Findings[i]
		at := res.Locations[0].PhysicalLocation
		if log.Runs[0].Tool.Driver.Rules[res.RuleIndex].ID != res.RuleID || res.Level != string(f.Level) || res.Message.Text == "" ||
			strings.Contains(at.ArtifactLocation.URI, " ") || at.Region.StartLine != f.Line || at.Region.EndColumn <= at.Region.StartColumn {
			t.Errorf("result %+v does not stand for %+v", res, f)
		}
		if (len(res.Suppressions) == 1) != f.Ignored {
			t.Errorf("%s:%d is suppressed %v, want %v", f.File, f.Line, res.Suppressions, f.Ignored)
		}
	}
}

// sealed refuses one file.
type sealed struct {
	fstest.MapFS
	name string
}

func (s sealed) Open(name string) (fs.File, error) {
	if name == s.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return s.MapFS.Open(name)
}

func TestWhatCannotBeReadIsNeverClean(t *testing.T) {
	clean := fstest.MapFS{"a.tf": {Data: []byte("x = 1")}, "b.tf": {Data: []byte("y = 1")}}
	report, err := lint.Scan(t.Context(), sealed{clean, "a.tf"}, nil)
	if err != nil || report.Files != 1 || len(report.Gaps) != 1 || report.Gaps[0].Resource != "a.tf" {
		t.Fatalf("report %+v, error %v: want a gap for a.tf alone", report, err)
	}
	if got := lint.ExitCode(report, err); got != lint.ExitIncomplete {
		t.Errorf("exit code %d, want %d", got, lint.ExitIncomplete)
	}
	report, err = lint.Scan(t.Context(), clean, &lint.Options{MaxFileSize: 3})
	if err != nil || len(report.Gaps) != 2 {
		t.Errorf("report %+v, error %v: want a gap for each file over the limit", report, err)
	}
	report, err = lint.Scan(t.Context(), clean, &lint.Options{MaxFileSize: -1})
	if got := lint.ExitCode(report, err); got != lint.ExitClean {
		t.Errorf("exit code %d without a limit, want %d", got, lint.ExitClean)
	}
	report, err = lint.Scan(t.Context(), os.DirFS(filepath.Join(t.TempDir(), "absent")), nil)
	if got := lint.ExitCode(report, err); got != lint.ExitFailed || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("exit code %d, error %v for a root that cannot be read", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if report, err = lint.Scan(ctx, clean, nil); !errors.Is(err, context.Canceled) || report == nil {
		t.Errorf("report %v, error %v after the context ended", report, err)
	}
}

func TestLinksAreReadAndLinkedFoldersAreGaps(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := errors.Join(
		os.WriteFile(filepath.Join(outside, "real.tf"), []byte(`i = "`+east+`"`), 0o600),
		os.Symlink(filepath.Join(outside, "real.tf"), filepath.Join(dir, "link.tf")),
		os.Symlink(outside, filepath.Join(dir, "folder")),
	); err != nil {
		t.Fatal(err)
	}
	report, err := lint.Scan(t.Context(), os.DirFS(dir), nil)
	if err != nil || len(report.Findings) != 1 || report.Findings[0].File != "link.tf" || len(report.Gaps) != 1 || report.Gaps[0].Resource != "folder" {
		t.Errorf("report %+v, error %v", report, err)
	}
}

func TestSkipReplacesTheDefault(t *testing.T) {
	report, err := lint.Scan(t.Context(), estate(), &lint.Options{Skip: func(path string, d fs.DirEntry) bool {
		return path != "infra/.terraform" && !strings.HasPrefix("infra/.terraform/cache.tf", path)
	}})
	if err != nil || len(report.Findings) != 1 || report.Findings[0].File != "infra/.terraform/cache.tf" {
		t.Errorf("report %+v, error %v", report, err)
	}
}
