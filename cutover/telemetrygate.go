package cutover

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// TelemetryClean returns a gate that asks the applications of the target's new pods how they got their tokens (V5): each must say that
// Entra answered, that the tokens are those of its identity, and that none failed. It catches what no look at a pod's environment
// can: an SDK that ignores what the webhook injected.
//
// A pod without telemetry, or that has taken no token yet, is inconclusive, and so is a workload without pods. So is a pod that says
// IMDS where the unit carries the migration sidecar, which answers in the place of IMDS.
func TelemetryClean() Gate {
	const name = "telemetry"
	return func(ctx context.Context, t Target) Verdict {
		var evidence []Evidence
		for _, w := range t.Workloads {
			found, err := probedPods(ctx, t, w)
			if err != nil {
				evidence = append(evidence, Evidence{Check: "V5", Object: w.String(), Got: "its pods cannot be read: " + err.Error(), Result: Inconclusive})
				continue
			}
			evidence = append(evidence, telemetryOf(ctx, t, w, found.current)...)
		}
		return Judge(name, evidence...)
	}
}

// telemetryOf judges what some pods of a workload say: one piece of evidence for each.
func telemetryOf(ctx context.Context, t Target, w Workload, pods []*corev1.Pod) []Evidence {
	missing := func(why string) []Evidence {
		return []Evidence{{Check: "V5", Object: w.String(), Want: "telemetry of its pods", Got: why, Result: Inconclusive}}
	}
	account, ok := t.Unit.account(w.ServiceAccount)
	switch {
	case !ok:
		return missing("the unit has no service account " + w.ServiceAccount)
	case t.Oracle == nil:
		return missing("the runner has no PathOracle")
	case len(pods) == 0:
		return missing("it has no pod of the newest template")
	}
	names := make([]string, 0, len(pods))
	for _, p := range pods {
		names = append(names, p.Name)
	}
	paths, err := t.Oracle.Pods(ctx, t.Unit.Cluster, t.Unit.Namespace, names)
	if err != nil {
		return missing(err.Error())
	}
	said := map[string]PodPath{}
	for _, p := range paths {
		said[p.Pod] = p
	}
	var out []Evidence
	for _, p := range pods {
		path, there := said[p.Name]
		if !there || path.UID != "" && path.UID != string(p.UID) {
			path = PodPath{Path: PathUnknown}
		}
		out = append(out, judgePath(p, path, account.Identity.ClientID, t.strategy().Sidecar))
	}
	return out
}

// judgePath judges what one pod says. Behind the migration sidecar an application asks IMDS and cannot tell who answers.
func judgePath(pod *corev1.Pod, p PodPath, clientID string, sidecar bool) Evidence {
	e := Evidence{Check: "V5", Object: podObject(pod), Want: "tokens of " + clientID + " by workload identity, none failed", Result: Fail}
	switch {
	case p.Failed > 0:
		e.Got = fmt.Sprintf("%d of its requests got no token", p.Failed)
	case p.Path == PathPodIdentity && sidecar && (p.ClientID == "" || strings.EqualFold(p.ClientID, clientID)):
		e.Result, e.Got = Inconclusive, "it says IMDS, as it would whoever answers; the migration proxy should, and NMI must tell"
	case p.Path == PathPodIdentity:
		e.Got = "its tokens come by the old path"
	case p.Path != PathWorkloadIdentity || p.Taken == 0:
		e.Result, e.Got = Inconclusive, "nobody knows how it gets its tokens"
	case !strings.EqualFold(p.ClientID, clientID):
		e.Got = "its tokens are those of " + p.ClientID
	default:
		e.Result, e.Got = Pass, fmt.Sprintf("%d tokens by workload identity", p.Taken)
	}
	if p.LastError != "" && e.Result != Pass {
		e.Got += " (" + p.LastError + ")"
	}
	return e
}
