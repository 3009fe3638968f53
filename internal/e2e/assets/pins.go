package assets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"runtime"
	"strings"

	"github.com/wimigrate/wimigrate/internal/e2e/process"
)

// The modules the programs come from.
const (
	kubernetes   = "k8s.io/kubernetes"
	etcdServer   = "go.etcd.io/etcd/server/v3"
	kwokModule   = "sigs.k8s.io/kwok"
	argoRollouts = "github.com/argoproj/argo-rollouts"
)

// pins are what go.mod asks for, and the compiler in use.
type pins struct {
	dir     string            // the end-to-end module's folder, or one in it
	version map[string]string // by module path
	golang  string
}

// readPins asks go, so that go.mod stays the only place that names a version.
func readPins(ctx context.Context, dir string) (pins, error) {
	out, err := goTool(ctx, dir, append([]string{"list", "-m", "-f", "{{.Path}} {{.Version}}"}, sources()...)...)
	if err != nil {
		return pins{}, fmt.Errorf("assets: read the pinned versions (run inside the end-to-end module): %w", err)
	}
	p := pins{dir: dir, version: map[string]string{}}
	for line := range strings.Lines(out) {
		if path, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			p.version[path] = version
		}
	}
	golang, err := goTool(ctx, dir, "env", "GOVERSION")
	if err != nil {
		return pins{}, fmt.Errorf("assets: %w", err)
	}
	p.golang = strings.TrimSpace(golang)
	return p, nil
}

// sources are the modules that programs are built from.
func sources() []string { return []string{kubernetes, etcdServer, kwokModule, argoRollouts} }

// key names the cache folder: it starts with the Kubernetes version, for people, and ends with a digest of all that shapes a build.
func (p pins) key() string {
	var all []string
	for _, path := range sources() {
		all = append(all, p.version[path])
	}
	all = append(all, p.golang, runtime.GOOS, runtime.GOARCH, p.ldflags())
	for _, m := range mends() {
		all = append(all, m.by)
	}
	sum := sha256.Sum256([]byte(strings.Join(all, " ")))
	return p.version[kubernetes] + "-" + hex.EncodeToString(sum[:4])
}

// ldflags strips the programs and stamps their versions: clients refuse to parse the version of an unstamped API server.
func (p pins) ldflags() string {
	const at = "-X k8s.io/component-base/version."
	version := p.version[kubernetes]
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	return "-s -w " + at + "gitVersion=" + version + " " + at + "gitMajor=" + major + " " + at + "gitMinor=" + minor +
		" -X " + argoRollouts + "/utils/version.version=" + strings.TrimPrefix(p.version[argoRollouts], "v")
}

// source is where a program comes from, how to ask it for its version, and what the answer must contain.
type source struct {
	pkg     string
	ask     []string
	version string
}

// built is the file name that go gives the program: the last element of its path that is not a major version.
func (s source) built() string {
	return path.Base(strings.TrimSuffix(s.pkg, "/v3"))
}

func (p pins) source(prog Program) source {
	switch prog {
	case Etcd:
		return source{etcdServer, []string{"--version"}, strings.TrimPrefix(p.version[etcdServer], "v")}
	case Kwok:
		return source{kwokModule + "/cmd/kwok", []string{"--version"}, "kwok"}
	case Kubectl:
		return source{kubernetes + "/cmd/kubectl", []string{"version", "--client"}, p.version[kubernetes]}
	case ArgoRollouts:
		return source{argoRollouts + "/cmd/" + string(prog), []string{"--version"}, p.version[argoRollouts]}
	case APIServer, ControllerManager, Scheduler:
	}
	return source{kubernetes + "/cmd/" + string(prog), []string{"--version"}, p.version[kubernetes]}
}

func names(programs []Program) []string {
	var out []string
	for _, p := range programs {
		out = append(out, string(p))
	}
	return out
}

// goTool runs go in dir and returns its standard output; a failure carries its standard error.
func goTool(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := process.Run(cmd); err != nil {
		return "", errors.Join(fmt.Errorf("go %s: %w", args[0], err), errors.New(strings.TrimSpace(stderr.String())))
	}
	return stdout.String(), nil
}
