package cutover

import (
	"fmt"
	"slices"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// strategyReasons returns why a unit may not move by the strategy that was declared for it; none for the default strategy.
func strategyReasons(u Unit, f *facts, cat *catalog.Catalog, o PlanOptions) []Reason {
	var out []Reason
	s := u.Strategy
	if s.SingleRollout && s.Sidecar {
		out = append(out, Reason{
			Code: StrategyConflict, Object: "Namespace/" + u.Namespace,
			Message: "a single rollout is for applications that are known to use their federated token, a sidecar for those that are known not to",
			Remedy:  "declare one of them: with the sidecar, two rollouts",
		})
	}
	if s.SidecarPort != 0 && !s.Sidecar {
		out = append(out, Reason{
			Code: StrategyConflict, Object: "Namespace/" + u.Namespace, Message: fmt.Sprintf("port %d is declared for a sidecar, and no sidecar", s.SidecarPort),
			Remedy: "declare the sidecar, or no port",
		})
	}
	if s.SingleRollout {
		out = append(out, singleRolloutReasons(u, f, cat, o)...)
	}
	if s.Sidecar {
		out = append(out, sidecarReasons(u, f, cat)...)
	}
	return out
}

// singleRolloutReasons: without an instant at which both paths are there, nothing may be left to be found out.
func singleRolloutReasons(u Unit, f *facts, cat *catalog.Catalog, o PlanOptions) []Reason {
	refuse := func(object, message, remedy string) Reason {
		return Reason{Code: SingleRolloutRefused, Object: object, Message: "no single rollout: " + message, Remedy: remedy}
	}
	var out []Reason
	if o.Limits.CanaryPods < 1 {
		out = append(out, refuse("Namespace/"+u.Namespace, "the limits allow no canary pods", "allow at least one, or move it in two rollouts"))
	}
	if u.Mode == GitOps || u.Mode == GitOnly {
		out = append(out, refuse("Namespace/"+u.Namespace, "in mode "+string(u.Mode)+" the change does not reach the pods as one write that holds at canary pods",
			"plan the unit in mode suspend, where one commit carries all of it, or in two rollouts"))
	}
	for _, w := range u.Workloads {
		if leftToFinish(w.Kind) {
			continue
		}
		if why := cannotBeHeld(w, f.workload(u, w)); why != "" {
			out = append(out, refuse(w.String(), w.String()+" "+why, "move it in two rollouts"))
		}
		if w.Attested != AttestDeclared && w.Attested != AttestVerified {
			out = append(out, Reason{
				Code: AttestationUnknown, Object: w.String(), Message: "no single rollout: nobody vouches that " + w.String() + " uses its federated token",
				Remedy: "have its owner declare it, or move it in two rollouts, the first of which shows it",
			})
		}
		for _, x := range findingsOn(cat, u, w, catalog.HardCodedEnvironment) {
			if !slices.Contains(o.Accept, x.Code) {
				out = append(out, Reason{Code: x.Code, Object: x.Object, Message: "no single rollout: " + x.Message, Remedy: x.Remedy + "; or move it in two rollouts"})
			}
		}
	}
	return out
}

// cannotBeHeld says why the first rollout of a workload cannot be held at canary pods, as far as a snapshot tells; "" where nothing is
// known to be in the way. Preflight looks at the live object.
func cannotBeHeld(w Workload, s catalog.Workload) string {
	switch {
	case w.Kind == "DaemonSet":
		return "is a DaemonSet: on nodes that join while it is held, pods would be born by a path that nothing has proven"
	case w.Kind != "Deployment" && w.Kind != "StatefulSet":
		return "is of a kind that cannot be held at canary pods"
	case w.Borrower != nil:
		return "lends its template to " + w.Borrower.String() + ", which cannot be held at canary pods"
	case s.Replicas != nil && *s.Replicas == 0:
		return "has no pod that could be a canary"
	case w.Kind == "StatefulSet" && s.Replicas != nil && *s.Replicas == 1:
		return "has one pod, which as a canary would be all of it"
	}
	return ""
}

// sidecarReasons: where the webhook refuses the proxy, or there is none.
func sidecarReasons(u Unit, f *facts, cat *catalog.Catalog) []Reason {
	refuse := func(object, message, remedy string) Reason {
		return Reason{Code: SidecarRefused, Object: object, Message: "no sidecar: " + message, Remedy: remedy}
	}
	var out []Reason
	// The webhook takes any number, and the pod then never comes up.
	if p := u.Strategy.SidecarPort; p < 0 || p > 65535 {
		out = append(out, refuse("Namespace/"+u.Namespace, fmt.Sprintf("%d is no port", p), "a port between 1 and 65535, or none for the default"))
	}
	for _, w := range u.Workloads {
		if leftToFinish(w.Kind) {
			continue
		}
		t := f.workload(u, w).Template
		if t.HostNetwork || len(findingsOn(cat, u, w, catalog.HostNetwork)) > 0 {
			out = append(out, refuse(w.String(), w.String()+" uses the host's network, where the webhook refuses it", "move it straight to Workload Identity"))
		}
		if t.Windows || len(findingsOn(cat, u, w, catalog.Windows)) > 0 {
			out = append(out, refuse(w.String(), w.String()+" runs on Windows, where there is none", "move it straight to Workload Identity"))
		}
		port, set := t.Annotations[workloadid.ProxyPortAnnotation]
		if want := u.Strategy.SidecarPort; set && want != 0 && port != fmt.Sprint(want) {
			out = append(out, refuse(w.String(), fmt.Sprintf("the template of %s says port %s already, and not %d", w.String(), port, want),
				"declare that port, or none"))
		}
	}
	return out
}

// workload is what a snapshot says about a workload of a unit; its zero value where there is none.
func (f *facts) workload(u Unit, w Workload) catalog.Workload {
	return f.workloads[factKey{u.Cluster, u.Namespace, w.Kind, w.Name}]
}

// findingsOn are the findings of one code about a workload.
func findingsOn(cat *catalog.Catalog, u Unit, w Workload, code catalog.Code) []catalog.Finding {
	var out []catalog.Finding
	for _, x := range cat.Findings {
		about := x.Object == w.String() || w.Borrower != nil && x.Object == w.Borrower.String()
		if x.Code == code && x.Cluster == u.Cluster && x.Namespace == u.Namespace && about {
			out = append(out, x)
		}
	}
	return out
}
