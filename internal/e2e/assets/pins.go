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

// pins are the versions that a module's go.mod asks for, and the compiler in use.
type pins struct {
	module  module
	dir     string            // the module's folder, or one in it
	version map[string]string // by module path
	golang  string
}

// readPins asks go, so that go.mod stays the only place that names a version.
func readPins(ctx context.Context, dir string, m module) (pins, error) {
	dir, err := m.folder(ctx, dir)
	if err != nil {
		return pins{}, err
	}
	out, err := goTool(ctx, dir, append([]string{"list", "-m", "-f", "{{.Path}} {{.Version}}"}, m.sources()...)...)
	if err != nil {
		return pins{}, fmt.Errorf("assets: read the pinned versions (run inside the end-to-end module): %w", err)
	}
	p := pins{module: m, dir: dir, version: map[string]string{}}
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

// key names the cache folder: it starts with the Kubernetes version, or the name and version of what else is built, for people, and ends
// with a digest of all that shapes a build.
func (p pins) key() string {
	var all []string
	for _, path := range p.module.sources() {
		all = append(all, p.version[path])
	}
	name := all[0]
	if p.module != endToEnd {
		name = string(p.module) + "-" + name
	}
	sum := sha256.Sum256([]byte(strings.Join(append(all, p.golang, runtime.GOOS, runtime.GOARCH, p.ldflags()), " ")))
	return name + "-" + hex.EncodeToString(sum[:4])
}

// ldflags strips the programs and stamps their version: clients refuse to parse the version of an unstamped API server.
func (p pins) ldflags() string {
	if p.module == argo {
		return "-s -w -X " + argoRollouts + "/utils/version.version=" + strings.TrimPrefix(p.version[argoRollouts], "v")
	}
	const at = "-X k8s.io/component-base/version."
	version := p.version[kubernetes]
	major, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	minor, _, _ := strings.Cut(rest, ".")
	return "-s -w " + at + "gitVersion=" + version + " " + at + "gitMajor=" + major + " " + at + "gitMinor=" + minor
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
