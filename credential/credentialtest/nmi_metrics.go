package credentialtest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// RequestMetric is the counter by which an operator sees whether the old path is
// still used: NMI's own, one series per operation, namespace, resource and status.
const RequestMetric = "aadpodidentity_nmi_operations_duration_seconds_count"

// Operation is one series of [RequestMetric].
type Operation struct {
	// Type is the path of the request.
	Type   string
	Status int
	// Namespace is the pod's. It is empty while the pod is unknown to NMI.
	Namespace string
	Resource  string
}

// Requests returns how many requests ended, by operation, since the last Reset.
func (n *NMI) Requests() map[Operation]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.counts)
}

// Reset sets the counters to nothing, as a restart of the process does.
func (n *NMI) Reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.counts = map[Operation]int{}
}

// ServeMetrics is an [http.HandlerFunc] for the counters in Prometheus' text
// format. The real NMI serves them on port 9090, at /metrics.
func (n *NMI) ServeMetrics(w http.ResponseWriter, _ *http.Request) {
	counts := n.Requests()
	ops := slices.SortedFunc(maps.Keys(counts), func(a, b Operation) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Type, b.Type),
			cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Status, b.Status))
	})
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = fmt.Fprintf(w, "# HELP %[1]s Duration in seconds for nmi operations\n# TYPE %[1]s histogram\n", strings.TrimSuffix(RequestMetric, "_count"))
	for _, op := range ops {
		_, _ = fmt.Fprintf(w, "%s{namespace=%s,operation_type=%s,resource=%s,status_code=\"%d\"} %d\n",
			RequestMetric, label(op.Namespace), label(op.Type), label(op.Resource), op.Status, counts[op])
	}
}

// label quotes a label value for Prometheus.
func label(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\uFFFD")) + `"`
}

func (n *NMI) count(op Operation) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.counts[op]++
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}
