package cutover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sort"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"
)

const (
	// nmiOperations is NMI's histogram of the token operations it served; its label namespace is the pod's namespace.
	// https://azure.github.io/aad-pod-identity/docs/configure/metrics/
	nmiOperations = "aadpodidentity_nmi_operations_duration_seconds"
	// NMIMetricsPort is where NMI serves its metrics unless --prometheus-port says otherwise.
	NMIMetricsPort = 9090

	maxMetricsBody = 16 << 20
	// nmiReads is how many NMI pods are read at the same time.
	nmiReads = 8
	// nmiTimeout is the default of NMIMetrics.Timeout.
	nmiTimeout = 10 * time.Second
)

// NMIEndpoint is one NMI pod's metrics page.
type NMIEndpoint struct {
	// Instance is the pod's UID, so that a restart under the same address is seen.
	Instance string
	Node     string
	URL      string
}

// NMIMetrics reads the counters of every NMI of a cluster: the best witness there is that the old path is silent. It is the OldPath half
// of a [PathOracle] and safe for concurrent use.
type NMIMetrics struct {
	// Endpoints lists every NMI of the cluster; one that is left out makes silence of what it serves. [NMIPods] does it live.
	Endpoints func(ctx context.Context, cluster string) ([]NMIEndpoint, error)
	// Client is used for the requests; default: http.DefaultClient.
	Client *http.Client
	// Timeout is how long one NMI may take to answer; default: 10 seconds, and negative for no end. One that hangs is one that cannot be read.
	Timeout time.Duration
}

// OldPath returns a reading for every NMI, sorted by node. If any of them cannot be read it returns the others' readings and an error:
// what an unread NMI served is unknown. No NMI at all is no error: what that means, the plan's mode of the cluster tells.
func (m *NMIMetrics) OldPath(ctx context.Context, cluster, namespace string) ([]NMIReading, error) {
	endpoints, err := m.Endpoints(ctx, cluster)
	if err != nil {
		return nil, fmt.Errorf("cutover: list the NMI pods of %s: %w", cluster, err)
	}
	found, errs := make([]*NMIReading, len(endpoints)), make([]error, len(endpoints))
	var reads errgroup.Group
	reads.SetLimit(nmiReads)
	for i, e := range endpoints {
		reads.Go(func() error {
			found[i], errs[i] = m.reading(ctx, cluster, namespace, e)
			return nil
		})
	}
	_ = reads.Wait() //nolint:errcheck // errors are kept apart
	var readings []NMIReading
	for _, r := range found {
		if r != nil {
			readings = append(readings, *r)
		}
	}
	sort.Slice(readings, func(i, j int) bool {
		a, b := readings[i], readings[j]
		return a.Node < b.Node || a.Node == b.Node && a.Instance < b.Instance
	})
	return readings, errors.Join(errs...)
}

func (m *NMIMetrics) reading(ctx context.Context, cluster, namespace string, e NMIEndpoint) (*NMIReading, error) {
	r, err := m.read(ctx, e.URL, namespace)
	if err != nil {
		return nil, fmt.Errorf("cutover: NMI on node %s of %s cannot be read, so what it served is unknown: %w", e.Node, cluster, err)
	}
	r.Instance, r.Node = e.Instance, e.Node
	return &r, nil
}

func (m *NMIMetrics) read(ctx context.Context, url, namespace string) (NMIReading, error) {
	timeout := m.Timeout
	number(&timeout, nmiTimeout)
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return NMIReading{}, err
	}
	client := m.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return NMIReading{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return NMIReading{}, fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	return countOperations(io.LimitReader(resp.Body, maxMetricsBody), namespace)
}

// countOperations sums the operations for a namespace on a Prometheus text page, and those of them that ended in an error. A page without
// the histogram counts none: NMI exports it from its first operation on.
func countOperations(page io.Reader, namespace string) (NMIReading, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(page)
	if err != nil {
		return NMIReading{}, fmt.Errorf("metrics page: %w", err)
	}
	out := NMIReading{Refused: new(int64)}
	add := func(metric *dto.Metric, n int64) {
		if labelOf(metric, "namespace") != namespace {
			return
		}
		out.Operations += n
		status := labelOf(metric, "status_code")
		switch {
		case status == "":
			out.Refused = nil // nobody says how this one ended
		case status[0] != '2' && out.Refused != nil:
			*out.Refused += n
		}
	}
	for _, metric := range families[nmiOperations].GetMetric() {
		add(metric, int64(metric.GetHistogram().GetSampleCount()))
	}
	for _, metric := range families[nmiOperations+"_count"].GetMetric() { // a page without TYPE lines
		add(metric, int64(metric.GetUntyped().GetValue()+metric.GetCounter().GetValue()))
	}
	return out, nil
}

func labelOf(metric *dto.Metric, name string) string {
	for _, l := range metric.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// nmiLabels select NMI's pods: upstream's manifests and the AKS add-on use the first, upstream's Helm chart the second.
var nmiLabels = [...]string{"component=nmi", "app.kubernetes.io/component=nmi"}

// NMIPods returns an Endpoints function that finds the NMI pods of a cluster by their label, in every namespace: by the labels that
// upstream's manifests and Helm chart and the AKS add-on give them, and by further label selectors, such as "app=nmi", where an install
// of one's own uses others. Every pod that has not finished counts, ready or not: one without an address is an error, since what it
// serves cannot be read.
func NMIPods(readers map[string]Reader, selectors ...string) func(ctx context.Context, cluster string) ([]NMIEndpoint, error) {
	return func(ctx context.Context, cluster string) ([]NMIEndpoint, error) {
		r, ok := readers[cluster]
		if !ok {
			return nil, fmt.Errorf("no reader for cluster %s", cluster)
		}
		seen := map[string]bool{}
		var out []NMIEndpoint
		for _, labels := range slices.Concat(nmiLabels[:], selectors) {
			pods, err := r.List(ctx, Selection{APIVersion: "v1", Kind: "Pod", Labels: labels})
			if err != nil {
				return nil, err
			}
			for _, p := range pods {
				phase := text(p.Object, "status", "phase")
				if seen[string(p.GetUID())] || phase == "Succeeded" || phase == "Failed" {
					continue
				}
				seen[string(p.GetUID())] = true
				ip := text(p.Object, "status", "podIP")
				if ip == "" {
					return nil, fmt.Errorf("NMI pod %s/%s has no address yet", p.GetNamespace(), p.GetName())
				}
				out = append(out, NMIEndpoint{Instance: string(p.GetUID()), Node: text(p.Object, "spec", "nodeName"),
					URL: "http://" + net.JoinHostPort(ip, fmt.Sprint(NMIMetricsPort)) + "/metrics"})
			}
		}
		return out, nil
	}
}
