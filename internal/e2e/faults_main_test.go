package e2e_test

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/wimigrate/wimigrate/internal/e2e/assets"
	"github.com/wimigrate/wimigrate/internal/e2e/fault"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
)

// mainUnderFaults runs examples/fleet through a kubeconfig whose server misbehaves: it prints what it prints in calm, or says by its status
// and its words that something is missing.
func mainUnderFaults(t *testing.T, f *fleet.Fleet) {
	const incomplete = 8
	program := filepath.Join(t.TempDir(), "fleet")
	if err := assets.BuildLocal(t.Context(), filepath.Join("..", ".."), "./examples/fleet", program); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "fleet.yaml")
	if err := f.WriteFleetFile(file, false); err != nil {
		t.Fatal(err)
	}
	calm, status := runFleet(t, program, f.Kubeconfig(), file)
	if status == incomplete || !strings.Contains(calm, named("unit", 0)) {
		t.Fatalf("in calm it ends with %d: %s", status, calm)
	}
	type mainFault struct {
		name string
		rule fault.Rule
		says string // where something is missing
	}
	together(t, []mainFault{
		{"what is served is not told at first", fault.Rule{Path: "/apis", Times: 2, Fault: fault.Fault{Status: http.StatusServiceUnavailable}}, ""},
		{"a list is cut short once", fault.Rule{Path: deploymentsPath, Times: 1, Fault: fault.Fault{Truncate: 300}}, ""},
		{"bindings may not be read", fault.Rule{Path: bindingsPath, Fault: fault.Fault{Status: http.StatusForbidden}}, "azureidentitybindings"},
		{"the token has expired", fault.Rule{Fault: fault.Fault{Status: http.StatusUnauthorized}}, "aks-eastus-01"},
	}, func(c mainFault) string { return c.name }, func(t *testing.T, _ int, c mainFault) {
		cfg, i := faulty(t, f, c.rule)
		got, ended := runFleet(t, program, faultyKubeconfig(t, f, cfg), file)
		struck(t, i, 0)
		switch {
		case c.says == "" && (got != calm || ended != status):
			t.Errorf("it ended with %d and printed\n%s\nin calm with %d and\n%s", ended, got, status, calm)
		case c.says != "" && (ended != incomplete || !strings.Contains(got, c.says)):
			t.Errorf("it ended with %d, want %d, and printed (want a word of %q):\n%s", ended, incomplete, c.says, got)
		}
	})
}

// faultyKubeconfig is the fleet's kubeconfig with another server.
func faultyKubeconfig(t *testing.T, f *fleet.Fleet, to *rest.Config) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(f.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	config.Clusters[f.Clusters[0].Name].Server = to.Host
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func runFleet(t *testing.T, program, kubeconfig, file string) (printed string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "-detailed-exitcode", "-fleet", file)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}
