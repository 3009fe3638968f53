package cutovertest

import (
	"context"
	"fmt"
	"slices"

	"github.com/wimigrate/wimigrate/cutover"
)

var (
	_ cutover.PathOracle = (*Fleet)(nil)
	_ cutover.Exchanger  = (*Fleet)(nil)
	_ cutover.Trust      = (*Fleet)(nil)
)

// OldPath implements cutover.PathOracle: the counters of every NMI.
func (f *Fleet) OldPath(ctx context.Context, cluster, namespace string) ([]cutover.NMIReading, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.asked(ctx, cluster)
	if err != nil {
		return nil, err
	}
	var out []cutover.NMIReading
	for _, n := range c.nodes {
		if !n.gone {
			refused := c.nmi.refused[n.nmi][namespace]
			out = append(out, cutover.NMIReading{Instance: n.nmi, Node: n.name, Operations: c.nmi.served[n.nmi][namespace], Refused: &refused})
		}
	}
	return out, nil
}

// Pods implements cutover.PathOracle: what the applications that use the credential package say; the others are unknown.
func (f *Fleet) Pods(ctx context.Context, cluster, namespace string, pods []string) ([]cutover.PodPath, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.asked(ctx, cluster)
	if err != nil {
		return nil, err
	}
	var out []cutover.PodPath
	for _, w := range c.workloads() {
		for _, p := range w.pods {
			if p.o.ns() == namespace && slices.Contains(pods, p.o.name()) {
				out = append(out, p.path())
			}
		}
	}
	slices.SortFunc(out, func(a, b cutover.PodPath) int { return compareStrings(a.Pod, b.Pod) })
	return out, nil
}

func (p *pod) path() cutover.PodPath {
	out := cutover.PodPath{Pod: p.o.name(), UID: p.o.uid(), Path: cutover.PathUnknown}
	if p.w.app.SDK != SDKCredential {
		return out
	}
	out.ClientID, out.Failed, out.LastError = p.became, int64(p.failed), p.lastError
	switch {
	case p.newPath > 0:
		out.Path, out.Taken = cutover.PathWorkloadIdentity, int64(p.newPath)
	case p.oldPath > 0:
		out.Path, out.Taken = cutover.PathPodIdentity, int64(p.oldPath)
	}
	return out
}

func compareStrings(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// RestartNMI begins the counters of one node's NMI anew, under another UID, as after a crash.
func (c *Cluster) RestartNMI(node string) {
	c.begin()
	defer c.fleet.mu.Unlock()
	c.restartNMI(node)
}

func (c *Cluster) restartNMI(node string) {
	for _, n := range c.nodes {
		if n.name == node {
			delete(c.nmi.served, n.nmi)
			delete(c.nmi.refused, n.nmi)
			n.nmi = c.fleet.uid()
		}
	}
}

// asked lets everything happen that is due, and returns the cluster that a question is about. The caller holds f.mu.
func (f *Fleet) asked(ctx context.Context, cluster string) (*Cluster, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.catchUp()
	f.requests++
	c := f.clusters[cluster]
	if c == nil {
		return nil, fmt.Errorf("cutovertest: no cluster %q", cluster)
	}
	return c, nil
}
