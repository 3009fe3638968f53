package kubelet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// tokenVolume is one projected service-account token and where it is kept.
type tokenVolume struct {
	source corev1.ServiceAccountTokenProjection
	path   string
	next   time.Duration // from now until the token is to be replaced
}

// admitted is how the volumes are called by which admission gives every pod a token for the API server itself. They are left out: no
// program here reads it there.
const admitted = "kube-api-access-"

// mount makes the pod's projected volumes: service-account tokens, which it returns, and ConfigMaps, which stay as they are.
func (k *Kubelet) mount(ctx context.Context, pod *corev1.Pod, dir string) ([]*tokenVolume, error) {
	var volumes []*tokenVolume
	for _, v := range pod.Spec.Volumes {
		if v.Projected == nil || strings.HasPrefix(v.Name, admitted) {
			continue
		}
		at := filepath.Join(dir, v.Name)
		for _, s := range v.Projected.Sources {
			if s.ConfigMap != nil {
				if err := k.configFiles(ctx, pod, s.ConfigMap, at); err != nil {
					return nil, err
				}
			}
			if s.ServiceAccountToken == nil {
				continue
			}
			t := &tokenVolume{source: *s.ServiceAccountToken, path: filepath.Join(at, s.ServiceAccountToken.Path)}
			if err := os.MkdirAll(filepath.Dir(t.path), 0o755); err != nil {
				return nil, err
			}
			if err := k.fetchPatiently(ctx, pod, t); err != nil {
				return nil, err
			}
			volumes = append(volumes, t)
		}
	}
	return volumes, nil
}

// fetchPatiently retries as a kubelet does: a pod whose volume cannot be mounted waits, it does not fail.
func (k *Kubelet) fetchPatiently(ctx context.Context, pod *corev1.Pod, t *tokenVolume) error {
	for {
		err := k.fetch(ctx, pod, t)
		if err == nil || apierrors.IsNotFound(err) || ctx.Err() != nil {
			return err
		}
		k.cfg.Logger.Debug("projected token", "cluster", k.cfg.Cluster, "namespace", pod.Namespace, "pod", pod.Name, "error", err)
		if pause.For(ctx, time.Second) != nil {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// fetch asks for a token bound to the pod and puts it in place in one step, so that no reader sees half a token.
func (k *Kubelet) fetch(ctx context.Context, pod *corev1.Pod, t *tokenVolume) error {
	var audiences []string // none is the API server's
	if t.source.Audience != "" {
		audiences = []string{t.source.Audience}
	}
	request := &authv1.TokenRequest{Spec: authv1.TokenRequestSpec{
		Audiences: audiences, ExpirationSeconds: t.source.ExpirationSeconds,
		BoundObjectRef: &authv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID},
	}}
	got, err := k.cfg.Client.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("token of service account %s: %w", pod.Spec.ServiceAccountName, err)
	}
	t.next = time.Until(got.Status.ExpirationTimestamp.Time) * 8 / 10
	if k.cfg.RotateEvery > 0 {
		t.next = k.cfg.RotateEvery
	}
	fresh := t.path + ".new"
	if err := os.WriteFile(fresh, []byte(got.Status.Token), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, t.path)
}

// rotate replaces a token again and again until the context ends.
func (k *Kubelet) rotate(ctx context.Context, pod *corev1.Pod, t *tokenVolume) {
	for pause.For(ctx, t.next) == nil {
		if err := k.fetchPatiently(ctx, pod, t); err != nil {
			return // the pod or its service account is gone, and soon the context
		}
	}
}
