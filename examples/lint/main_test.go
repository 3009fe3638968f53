package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wimigrate/wimigrate/federation/lint"
)

func TestExitStatus(t *testing.T) {
	sarif := filepath.Join(t.TempDir(), "findings.sarif")
	for name, tt := range map[string]struct {
		args []string
		code int
		says string
	}{
		"the bundled estate":   {nil, 0, "4 findings fail, 1 are notes, 1 are ignored"},
		"a folder, and SARIF":  {[]string{"-sarif", sarif, "estate"}, lint.ExitFindings, "infra/federation.tf:13:"},
		"a fleet that knows":   {[]string{"-fleet", "../fleet/fleet/fleet.yaml", "estate"}, lint.ExitFindings, "the issuer of cluster aks-eastus-01 is pasted"},
		"a clean folder":       {[]string{t.TempDir()}, lint.ExitClean, "0 files read"},
		"a folder that is not": {[]string{"absent"}, lint.ExitFailed, "absent is no folder"},
		"a file":               {[]string{"main.go"}, lint.ExitFailed, "main.go is no folder"},
		"a fleet that is not":  {[]string{"-fleet", "absent.yaml", "estate"}, lint.ExitFailed, "absent.yaml: cannot be read"},
		"wrong flags":          {[]string{"-nonsense"}, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := run(t.Context(), tt.args, &out, &errs); code != tt.code || !strings.Contains(out.String()+errs.String(), tt.says) {
				t.Errorf("exit status %d, want %d\n%s%s", code, tt.code, out.String(), errs.String())
			}
		})
	}
}
