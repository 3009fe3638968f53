package kubelet

import (
	"context"
	"errors"
	"os/exec"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// role is what a container is to its pod.
type role int

const (
	roleMain role = iota
	roleInit
	roleSidecar
)

// most is how many times its first length the back-off grows to.
const most = 30

// keepRunning runs a container, and again after a pause whenever its pod's policy says so. It returns true when the container has done
// what it was there for, false when it failed for good or the context ended. started, when given, is closed once it has started.
func (r *podRun) keepRunning(ctx context.Context, c *corev1.Container, role role, started chan struct{}) bool {
	k := r.kubelet
	up := func() {}
	if started != nil {
		up = sync.OnceFunc(func() { close(started) })
	}
	for backoff, restarts := k.cfg.BackOff, int32(0); ; restarts++ {
		begun := time.Now()
		if restarts > 0 {
			r.tell(ctx, c.Name, func(s *corev1.ContainerStatus) { running(s, restarts, begun) })
		}
		err := r.runContainer(ctx, c, role, up)
		if ctx.Err() != nil {
			return false
		}
		again := restartable(r.pod, role, err)
		if err != nil {
			k.crashed(r.pod, c.Name, role != roleMain, again, err)
		}
		if role == roleInit && err == nil {
			return true
		}
		exit := terminated(begun, err)
		r.tell(ctx, c.Name, func(s *corev1.ContainerStatus) { ended(s, exit, again) })
		if !again {
			return err == nil
		}
		if time.Since(begun) > 2*most*k.cfg.BackOff { // it ran well for long
			backoff = k.cfg.BackOff
		}
		if pause.For(ctx, backoff) != nil {
			return false
		}
		backoff = min(2*backoff, most*k.cfg.BackOff)
	}
}

// restartable applies the pod's restart policy to an exit.
func restartable(pod *corev1.Pod, role role, err error) bool {
	switch {
	case role == roleSidecar:
		return true
	case pod.Spec.RestartPolicy == corev1.RestartPolicyNever:
		return false
	case role == roleInit, pod.Spec.RestartPolicy == corev1.RestartPolicyOnFailure:
		return err != nil
	}
	return true
}

// terminated describes an exit as a kubelet does.
func terminated(begun time.Time, err error) corev1.ContainerStateTerminated {
	t := corev1.ContainerStateTerminated{Reason: "Completed", StartedAt: metav1.NewTime(begun), FinishedAt: metav1.Now()}
	if err == nil {
		return t
	}
	t.Reason, t.ExitCode = "Error", 1
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if t.ExitCode = int32(exit.ExitCode()); t.ExitCode < 0 { // by a signal
			t.ExitCode = 137
		}
	}
	return t
}

// running and ended change a container's status.
func running(s *corev1.ContainerStatus, restarts int32, since time.Time) {
	s.RestartCount, s.Ready, s.Started = restarts, true, new(true)
	s.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(since)}}
}

func ended(s *corev1.ContainerStatus, exit corev1.ContainerStateTerminated, again bool) {
	s.Ready, s.Started = false, new(false)
	if !again {
		s.State = corev1.ContainerState{Terminated: &exit}
		return
	}
	s.LastTerminationState = corev1.ContainerState{Terminated: &exit}
	s.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
}
