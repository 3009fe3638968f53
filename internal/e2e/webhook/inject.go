package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// injection is what one pod gets.
type injection struct {
	env    []corev1.EnvVar
	mount  corev1.VolumeMount
	volume corev1.Volume
	skip   []string
}

// plan decides what to inject. Empty values are not injected: a service account without a client ID gives everything but AZURE_CLIENT_ID.
func (w *Webhook) plan(pod *corev1.Pod, sa *corev1.ServiceAccount, b Behaviour) (injection, error) {
	expiration, err := expirationSeconds(pod, sa)
	if err != nil {
		return injection{}, err
	}
	volume, mountPath, file := place(pod, b.Layout)
	tenant, ok := sa.Annotations[workloadid.TenantIDAnnotation]
	if !ok {
		tenant = w.cfg.TenantID
	}
	client := sa.Annotations[workloadid.ClientIDAnnotation]
	if b.ClientID != "" {
		client = b.ClientID
	}
	in := injection{mount: corev1.VolumeMount{Name: volume, MountPath: mountPath, ReadOnly: true}}
	for _, e := range []corev1.EnvVar{
		{Name: workloadid.EnvClientID, Value: client}, {Name: workloadid.EnvTenantID, Value: tenant},
		{Name: workloadid.EnvFederatedTokenFile, Value: mountPath + "/" + file}, {Name: workloadid.EnvAuthorityHost, Value: w.cfg.AuthorityHost},
	} {
		if e.Value != "" {
			in.env = append(in.env, e)
		}
	}
	in.volume = corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{
			Audience: workloadid.Audience, ExpirationSeconds: &expiration, Path: file}}}}}}
	for name := range strings.SplitSeq(pod.Annotations[workloadid.SkipContainersAnnotation], ";") {
		in.skip = append(in.skip, strings.TrimSpace(name))
	}
	return in, nil
}

// expirationSeconds reads the annotation, where the pod's word wins over the service account's.
func expirationSeconds(pod *corev1.Pod, sa *corev1.ServiceAccount) (int64, error) {
	value, ok := pod.Annotations[workloadid.TokenExpirationAnnotation]
	if !ok {
		value, ok = sa.Annotations[workloadid.TokenExpirationAnnotation]
	}
	if !ok {
		return 3600, nil
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil || seconds < 3600 || seconds > 86400 {
		return 0, fmt.Errorf("%w, not %q", errExpiration, value)
	}
	return seconds, nil
}

// place names the volume, its mount path and the file in it. The new layout derives the volume's name from the pod's.
func place(pod *corev1.Pod, l Layout) (volume, mountPath, file string) {
	if l == LayoutOld {
		return "azure-identity-token", "/var/run/secrets/azure/tokens", "azure-identity-token"
	}
	name := pod.Name
	if name == "" {
		name = pod.GenerateName
	}
	sum := sha256.Sum256([]byte(name))
	volume = "azure-workload-identity-reserved-" + hex.EncodeToString(sum[:])
	return volume[:min(len(volume), 63)], "/var/run/secrets/azure/wi", "token/azure-identity-token"
}

// into returns the containers with what they lack. A variable that a container defines itself is left alone.
func (in injection) into(containers []corev1.Container) []corev1.Container {
	out := slices.Clone(containers)
	for i := range out {
		if slices.Contains(in.skip, out[i].Name) {
			continue
		}
		for _, e := range in.env {
			if !slices.ContainsFunc(out[i].Env, func(have corev1.EnvVar) bool { return have.Name == e.Name }) {
				out[i].Env = append(slices.Clip(out[i].Env), e)
			}
		}
		if !slices.ContainsFunc(out[i].VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == in.mount.Name }) {
			out[i].VolumeMounts = append(slices.Clip(out[i].VolumeMounts), in.mount)
		}
	}
	return out
}

// volumes returns the pod's volumes with the token's; the API server may call twice for one pod, which must not add it twice.
func (in injection) volumes(have []corev1.Volume) []corev1.Volume {
	if slices.ContainsFunc(have, func(v corev1.Volume) bool { return v.Name == in.volume.Name }) {
		return have
	}
	return append(slices.Clip(have), in.volume)
}
