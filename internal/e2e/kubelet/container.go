package kubelet

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/process"
	"github.com/wimigrate/wimigrate/internal/e2e/workload"
)

func isWorkload(c *corev1.Container) bool { return strings.HasPrefix(c.Image, workload.ImagePrefix) }

func hasWorkload(pod *corev1.Pod) bool {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if isWorkload(&list[i]) {
				return true
			}
		}
	}
	return false
}

// keepRunning runs a container until the context ends. A container that exits is reported as failed and not restarted: a test wants to
// see that, not a loop of crashes.
func (k *Kubelet) keepRunning(ctx context.Context, pod *corev1.Pod, c *corev1.Container, dir string) {
	if err := k.runContainer(ctx, pod, c, dir, false); err != nil && ctx.Err() == nil {
		k.fail(pod, fmt.Errorf("container %s: %w", c.Name, err))
	}
}

// runContainer runs one container to its end, or to the end of the context, and takes in its reports.
func (k *Kubelet) runContainer(ctx context.Context, pod *corev1.Pod, c *corev1.Container, dir string, init bool) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	p, err := k.cfg.Group.Start(process.Spec{
		Name: pod.Namespace + "/" + pod.Name + "/" + c.Name, Log: "workloads", Path: k.cfg.Program, Stdout: write,
		Env: k.environment(pod, c, dir, init), Grace: 5 * time.Second,
	})
	_ = write.Close()
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.listen(bufio.NewScanner(read), k.report(pod, c.Name, init))
	}()
	select {
	case <-p.Done():
		<-done
		return p.Err()
	case <-ctx.Done():
		err := p.Stop()
		<-done
		return err
	}
}

// listen takes in a process's reports until it ends.
func (k *Kubelet) listen(lines *bufio.Scanner, into *PodReport) {
	for lines.Scan() {
		var r workload.Report
		if json.Unmarshal(lines.Bytes(), &r) == nil {
			k.mu.Lock()
			into.Report = r
			k.mu.Unlock()
		}
	}
	k.mu.Lock()
	into.Ended = true
	k.mu.Unlock()
}

// environment is the container's environment as stored, with paths inside its mounts turned into the paths where this machine has them.
func (k *Kubelet) environment(pod *corev1.Pod, c *corev1.Container, dir string, init bool) []string {
	env := []string{"GOMAXPROCS=1", "GOGC=50", "GOMEMLIMIT=32MiB", workload.EnvPodIP + "=" + pod.Status.PodIP,
		workload.EnvMetadata + "=" + k.cfg.Gateway(pod.Spec.NodeName)}
	if init && (c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways) {
		env = append(env, workload.EnvOnce+"=1")
	}
	env = append(env, k.cfg.Environment...)
	for _, e := range c.Env {
		value := e.Value
		if e.ValueFrom != nil && e.ValueFrom.FieldRef != nil {
			value = field(pod, e.ValueFrom.FieldRef.FieldPath)
		}
		env = append(env, e.Name+"="+onHost(c, dir, value))
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
