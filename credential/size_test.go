package credential_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wimigrate/wimigrate/credential"
	"github.com/wimigrate/wimigrate/credential/credentialtest"
)

// goTool runs the go command that built this test.
func goTool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Skipf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestTheCredentialImportsNothingOfKubernetes(t *testing.T) {
	for dep := range strings.FieldsSeq(goTool(t, "list", "-deps", "github.com/wimigrate/wimigrate/credential")) {
		for _, bad := range []string{"k8s.io/", "sigs.k8s.io/", "/wimigrate/catalog", "/wimigrate/federation", "/wimigrate/cutover", "/resourcemanager/"} {
			if strings.Contains(dep, bad) {
				t.Errorf("imports %s", dep)
			}
		}
	}
}

const program = `package main

import (
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	%q
)

func main() {
	cred, err := %s
	if err != nil {
		panic(err)
	}
	fmt.Println(cred.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}}))
}
`

func TestATinyProgramIsAtMostTenPercentLargerThanWithBareAzidentity(t *testing.T) {
	if testing.Short() {
		t.Skip("links two programs")
	}
	size := func(name, pkg, constructor string) int64 {
		dir := filepath.Join("testdata", name) // inside the module, so that it resolves
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		write(t, filepath.Join(dir, "main.go"), fmt.Sprintf(program, pkg, constructor))
		binary := filepath.Join(t.TempDir(), name)
		goTool(t, "build", "-o", binary, "./"+dir)
		info, err := os.Stat(binary)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	// The bare program also makes both credentials: what a pod in a migration needs.
	bare := size("size-bare", "github.com/Azure/azure-sdk-for-go/sdk/azidentity", "azidentity.NewWorkloadIdentityCredential(nil)")
	ours := size("size-ours", "github.com/wimigrate/wimigrate/credential", "credential.New(nil)")
	t.Logf("bare azidentity %d bytes, with credential %d: %.3f times", bare, ours, float64(ours)/float64(bare))
	if float64(ours) > 1.10*float64(bare) {
		t.Error("too large")
	}
}

func TestNoGoroutineIsLeftOnRealSockets(t *testing.T) {
	w := newWorld(t, credentialtest.EntraOptions{})
	w.imds.Attach(w.identity())
	timeline := credentialtest.NewTimeline(w.imds, credentialtest.Phase{Behaviour: credentialtest.NeverAnswered(), For: time.Second})
	server, err := credentialtest.Serve(timeline, nil)
	if err != nil {
		t.Fatal(err)
	}
	before := stacks()
	for range 3 {
		cred := w.pod(t, nil, func(o *credential.Options) { o.DialIMDS = dialTo(server) })
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if _, err := cred.GetToken(ctx, ask(scope)); err != nil {
			t.Error(err)
		}
		cancel()
	}
	server.Close()
	for i := 0; ; i++ {
		if left := stacks(); left <= before {
			return
		} else if i == 200 {
			t.Fatalf("%d goroutines of the credential or its transport are left, %d before", left, before)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// stacks counts goroutines that run our code or an HTTP client's.
func stacks() int {
	buf := make([]byte, 1<<22)
	n := 0
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "wimigrate/credential.") || strings.Contains(g, "persistConn") {
			n++
		}
	}
	return n
}
