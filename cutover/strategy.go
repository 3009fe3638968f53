package cutover

import "fmt"

// Strategy is how the pods of a unit get from the old path to the new one. The zero value is the default: two rollouts, of which the
// first adds the new path and the second takes the old one away, so that every instant has a path that was proven under load.
//
// A strategy is declared for a unit, never guessed, and a unit that cannot move by the one declared is blocked, not moved by another.
// The two cannot be joined: a single rollout is for applications that are known to use their federated token, a sidecar for those
// that are known not to.
type Strategy struct {
	// SingleRollout adds the new label and takes the old one away in one write to each pod template, for workloads that cannot be
	// restarted twice. Trust and injection are proven before; the first pods of the new template are then the first by the new path and
	// the first without the old one. So the rollout is held at [Limits.CanaryPods] of them, without an end of its own, until they are judged.
	SingleRollout bool `json:"singleRollout,omitempty"`
	// Sidecar has the webhook put its migration proxy into the pods: what an application asks of IMDS, the proxy answers with a token
	// that it exchanges at Entra. For applications that cannot change yet, such as those with an SDK that knows IMDS alone. It is
	// temporary: [FindLeftovers] lists what still carries it.
	// https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
	Sidecar bool `json:"sidecar,omitempty"`
	// SidecarPort is the port that the proxy listens on inside the pod; 0 leaves it at the webhook's default, 8000.
	SidecarPort int `json:"sidecarPort,omitempty"`
}

// String names the strategy in a few words; empty for the default.
func (s Strategy) String() string {
	switch {
	case s.SingleRollout && s.Sidecar:
		return "single rollout, sidecar"
	case s.SingleRollout:
		return "single rollout"
	case s.Sidecar && s.SidecarPort != 0:
		return fmt.Sprintf("sidecar on port %d", s.SidecarPort)
	case s.Sidecar:
		return "sidecar"
	}
	return ""
}

// risks are what the strategy adds to what the reviewer should know about a workload.
func (s Strategy) risks(w Workload) []string {
	var out []string
	if leftToFinish(w.Kind) {
		return nil
	}
	if s.SingleRollout {
		out = append(out, w.String()+" moves in one rollout: its first pods by the new path have no old one")
	}
	if s.Sidecar {
		out = append(out, w.String()+" will carry the migration proxy sidecar, which is temporary: take it out when the application uses its token itself")
	}
	if s.Sidecar && runsToCompletion(w.Kind) {
		// https://github.com/Azure/azure-workload-identity/issues/773
		out = append(out, w.String()+": before Kubernetes 1.32 the sidecar keeps its Jobs from finishing; preflight looks")
	}
	return out
}

// runsToCompletion reports whether the pods of a kind are meant to end.
func runsToCompletion(kind string) bool {
	return kind == "Job" || kind == "CronJob" || kind == "ScaledJob"
}
