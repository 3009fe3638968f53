package kubelet

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/process"
	"github.com/wimigrate/wimigrate/internal/e2e/sidecar"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
)

// runs says whether a container is a process here.
func (k *Kubelet) runs(c *corev1.Container) bool { return k.isProgram(c) || sidecar.Is(c.Image) }

// isProgram says whether a container is one for whose sake its pod is played: a sidecar alone is not.
func (k *Kubelet) isProgram(c *corev1.Container) bool {
	return isWorkload(c) || k.provided(c.Image) != ""
}

func isWorkload(c *corev1.Container) bool { return strings.HasPrefix(c.Image, workload.ImagePrefix) }

// isSidecar says whether an init container is a native sidecar.
func isSidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

func (k *Kubelet) hasWorkload(pod *corev1.Pod) bool {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if k.isProgram(&list[i]) {
				return true
			}
		}
	}
	return false
}

// runContainer runs one container to its end, or to the end of the context, and takes in its reports. started is called once its
// postStart hook, if any, has succeeded; a hook that fails ends the container.
func (r *podRun) runContainer(ctx context.Context, c *corev1.Container, role role, started func()) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	report := r.kubelet.report(r.pod, c.Name, role != roleMain)
	begun := r.kubelet.begin(report)
	p, err := r.start(c, role, r.arguments(c, c.Args), write)
	_ = write.Close()
	if err != nil {
		return err
	}
	defer r.kubelet.hold(r.pod, c, p)()
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.kubelet.listen(bufio.NewScanner(read), report, begun)
	}()
	hook := r.postStart(ctx, c, role)
	if hook == nil {
		started()
		select {
		case <-p.Done():
		case <-ctx.Done():
		}
	}
	select {
	case <-p.Done():
		err = p.Err()
	default:
		err = p.Stop()
	}
	<-done
	if hook != nil {
		return fmt.Errorf("postStart hook: %w", hook)
	}
	return err
}

// start starts a process with a container's environment.
func (r *podRun) start(c *corev1.Container, role role, args []string, out *os.File) (*process.Process, error) {
	s := process.Spec{
		Name: r.pod.Namespace + "/" + r.pod.Name + "/" + c.Name, Log: "workloads", Path: r.kubelet.cfg.Program, Args: args, Stdout: out,
		Env: r.environment(c, role), Grace: 5 * time.Second,
	}
	if program := r.kubelet.provided(c.Image); program != "" { // it logs, where the others report
		s.Log, s.Path, s.Stdout = r.pod.Name+"."+c.Name, program, nil
	}
	return r.kubelet.cfg.Group.Start(s)
}

// arguments are what the program of a container's image is called with: that of its own as the container says, with paths of this
// machine; the one program of a test fleet so that it is the image's.
func (r *podRun) arguments(c *corev1.Container, args []string) []string {
	if r.kubelet.provided(c.Image) != "" {
		out := make([]string, len(args))
		for i, a := range args {
			out[i] = onHost(c, r.dir, a)
		}
		return out
	}
	if sidecar.Is(c.Image) {
		return append([]string{"proxy"}, args...)
	}
	return nil
}

// postStart runs the container's hook to its end.
func (r *podRun) postStart(ctx context.Context, c *corev1.Container, role role) error {
	if c.Lifecycle == nil || c.Lifecycle.PostStart == nil || c.Lifecycle.PostStart.Exec == nil || !sidecar.Is(c.Image) {
		return nil
	}
	p, err := r.start(c, role, r.arguments(c, c.Lifecycle.PostStart.Exec.Command[1:]), nil)
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
		return p.Err()
	case <-ctx.Done():
		return p.Stop()
	}
}

// listen takes in a process's reports until it ends, on top of what the container reported before.
func (k *Kubelet) listen(lines *bufio.Scanner, into *PodReport, before workload.Report) {
	for lines.Scan() {
		var r workload.Report
		if json.Unmarshal(lines.Bytes(), &r) == nil {
			r.Add(before)
			k.mu.Lock()
			into.Report = r
			k.mu.Unlock()
		}
	}
	k.mu.Lock()
	into.Ended, into.Finished = true, time.Now()
	k.mu.Unlock()
}

// environment is the container's environment as stored, with paths inside its mounts turned into the paths where this machine has them.
func (r *podRun) environment(c *corev1.Container, role role) []string {
	env := []string{"GOMAXPROCS=1"}
	if r.kubelet.provided(c.Image) == "" { // of which there are hundreds
		env = append(env, "GOGC=50", "GOMEMLIMIT=32MiB", workload.EnvPodIP+"="+r.pod.Status.PodIP, workload.EnvMetadata+"="+r.metadataFor(c))
	}
	if role == roleInit {
		env = append(env, workload.EnvOnce+"=1")
	}
	env = slices.Concat(env, r.kubelet.cfg.Environment)
	for _, e := range c.Env {
		value := e.Value
		if e.ValueFrom != nil && e.ValueFrom.FieldRef != nil {
			value = field(r.pod, e.ValueFrom.FieldRef.FieldPath)
		}
		env = append(env, e.Name+"="+onHost(c, r.dir, value))
	}
	return env
}

// onHost translates a path inside one of the container's mounts; anything else stays as it is.
func onHost(c *corev1.Container, dir, value string) string {
	for _, m := range c.VolumeMounts {
		at := strings.TrimSuffix(m.MountPath, "/") + "/"
		if rest, ok := strings.CutPrefix(value, at); ok {
			return filepath.Join(dir, m.Name, rest)
		}
	}
	return value
}

// field resolves the downward API's fields that tests use.
func field(pod *corev1.Pod, path string) string {
	switch path {
	case "metadata.name":
		return pod.Name
	case "metadata.namespace":
		return pod.Namespace
	case "metadata.uid":
		return string(pod.UID)
	case "spec.nodeName":
		return pod.Spec.NodeName
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName
	case "status.podIP":
		return pod.Status.PodIP
	case "status.hostIP":
		return pod.Status.HostIP
	}
	return ""
}
