package fleet

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/credential/credentialtest"
	"github.com/wimigrate/wimigrate/internal/e2e/objects"
)

// Apply applies a stream of YAML documents, as `kubectl apply --server-side` does.
func (c *Cluster) Apply(ctx context.Context, documents string) error {
	return c.Objects.ApplyYAML(ctx, []byte(documents))
}

// Scale sets the replicas of a Deployment, StatefulSet, ReplicaSet or Rollout through its scale subresource.
func (c *Cluster) Scale(ctx context.Context, namespace, kind, name string, replicas int) error {
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	version := "apps/v1"
	if kind == "Rollout" {
		version = "argoproj.io/v1alpha1"
	}
	r, err := c.Objects.Kind(schema.FromAPIVersionAndKind(version, kind), namespace)
	if err == nil {
		_, err = r.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: objects.Owner}, "scale")
	}
	if err != nil {
		return fmt.Errorf("fleet: scale %s %s/%s: %w", kind, namespace, name, err)
	}
	return nil
}

// SetMinReplicas sets the lower bound of a HorizontalPodAutoscaler, which scales out within seconds without any metrics.
func (c *Cluster) SetMinReplicas(ctx context.Context, namespace, name string, replicas int) error {
	patch := fmt.Appendf(nil, `{"spec":{"minReplicas":%d}}`, replicas)
	_, err := c.Client.AutoscalingV2().HorizontalPodAutoscalers(namespace).
		Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: objects.Owner})
	if err != nil {
		return fmt.Errorf("fleet: autoscaler %s/%s: %w", namespace, name, err)
	}
	return nil
}

// Dump reads every object of the cluster; see [objects.Dump].
func (c *Cluster) Dump(ctx context.Context) ([]*unstructured.Unstructured, error) {
	return objects.Dump(ctx, c.REST())
}

// NMIMetrics returns the URLs of the counters of every NMI that runs, sorted.
func (c *Cluster) NMIMetrics() []string {
	var urls []string
	for _, name := range c.Nodes.Names() {
		if n, err := c.NMI.Node(name); err == nil && n.Running() {
			urls = append(urls, n.MetricsURL())
		}
	}
	slices.Sort(urls)
	return urls
}

// NMIRequests reads all counters as an operator would and sums the token requests of a namespace's pods since each NMI started.
func (c *Cluster) NMIRequests(ctx context.Context, namespace string) (int, error) {
	total := 0
	for _, url := range c.NMIMetrics() {
		n, err := scrape(ctx, url, namespace)
		if err != nil {
			return 0, fmt.Errorf("fleet: %s: NMI's counters: %w", c.Name, err)
		}
		total += n
	}
	return total, nil
}

func scrape(ctx context.Context, url, namespace string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	total := 0
	lines := bufio.NewScanner(io.LimitReader(resp.Body, 16<<20))
	for lines.Scan() {
		series, value, ok := strings.Cut(lines.Text(), "} ")
		if !ok || !strings.HasPrefix(series, credentialtest.RequestMetric+"{") || !strings.Contains(series, fmt.Sprintf("namespace=%q", namespace)) {
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, lines.Err()
}
