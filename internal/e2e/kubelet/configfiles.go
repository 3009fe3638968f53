package kubelet

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/internal/pause"
)

// configFiles writes the keys of a ConfigMap as files, all or those that the source names. A pod whose ConfigMap or key is not there yet
// waits for it, as on a real node.
func (k *Kubelet) configFiles(ctx context.Context, pod *corev1.Pod, source *corev1.ConfigMapProjection, dir string) error {
	for {
		m, err := k.cfg.Client.CoreV1().ConfigMaps(pod.Namespace).Get(ctx, source.Name, metav1.GetOptions{})
		files, complete := map[string]string{}, err == nil
		if err == nil {
			files, complete = chosen(m.Data, source.Items)
		}
		if complete {
			return writeFiles(dir, files)
		}
		k.cfg.Logger.Debug("ConfigMap volume", "cluster", k.cfg.Cluster, "namespace", pod.Namespace, "pod", pod.Name, "configMap", source.Name, "error", err)
		if pause.For(ctx, time.Second) != nil {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// chosen are the files of a ConfigMap's data by their paths, and whether all that are asked for are there.
func chosen(data map[string]string, items []corev1.KeyToPath) (files map[string]string, complete bool) {
	if len(items) == 0 {
		return data, true
	}
	files = map[string]string{}
	for _, i := range items {
		text, ok := data[i.Key]
		if !ok {
			return nil, false
		}
		files[i.Path] = text
	}
	return files, true
}

func writeFiles(dir string, files map[string]string) error {
	for path, text := range files {
		at := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
