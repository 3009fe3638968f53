package cutover

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// checkSelector: the old label is not part of the workload's own selector, which is immutable (PF07).
func checkSelector(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	return each(ctx, t, func(w Workload, live *liveWorkload) []Evidence {
		_, bound := lookup(live.Object, []string{"spec", "selector", "matchLabels", podidentity.Label})
		expressions, _ := lookup(live.Object, []string{"spec", "selector", "matchExpressions"})
		list, _ := expressions.([]any)
		if bound || slices.ContainsFunc(list, func(x any) bool { return text(asMap(x), "key") == podidentity.Label }) {
			return []Evidence{failing(w.String(), "spec.selector names "+podidentity.Label+", so the label cannot leave the template",
				"a replacement workload without it")}
		}
		return nil
	})
}

// checkEnvironment: what a container defines itself the webhook does not overwrite (PF08).
func checkEnvironment(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	return each(ctx, t, func(w Workload, live *liveWorkload) []Evidence {
		account, _ := t.Unit.account(w.ServiceAccount)
		want := map[string]string{workloadid.EnvClientID: account.Identity.ClientID, workloadid.EnvTenantID: account.Identity.TenantID}
		var out []Evidence
		for _, c := range live.containers() {
			for _, e := range c.Env {
				where := w.String() + " container " + c.Name
				switch {
				case e.Name != workloadid.EnvClientID && e.Name != workloadid.EnvTenantID && e.Name != workloadid.EnvFederatedTokenFile:
				case e.ValueFrom != nil:
					out = append(out, unclear(where, e.Name+" comes from elsewhere (valueFrom), and overrides the webhook's"))
				case e.Name == workloadid.EnvFederatedTokenFile:
					out = append(out, failing(where, "hard-codes "+e.Name+"="+e.Value, "remove it: the webhook knows the path"))
				case want[e.Name] == "":
					out = append(out, unclear(where, "hard-codes "+e.Name+"="+e.Value+", and the right value is unknown"))
				case !strings.EqualFold(e.Value, want[e.Name]):
					out = append(out, failing(where, "hard-codes "+e.Name+"="+e.Value, want[e.Name]+", or remove it"))
				}
			}
		}
		return out
	})
}

// checkPodShape: the webhook reaches the containers, and pod security admits what it is asked to add (PF09).
func checkPodShape(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	return each(ctx, t, func(w Workload, live *liveWorkload) []Evidence {
		var out []Evidence
		annotations, spec := live.template.Annotations, live.template.Spec
		if skip := annotations[workloadid.SkipContainersAnnotation]; skip != "" {
			skipped := strings.FieldsFunc(skip, func(r rune) bool { return r == ';' || r == ' ' })
			left := 0
			for _, c := range spec.Containers {
				if !slices.Contains(skipped, c.Name) {
					left++
				}
			}
			if left == 0 {
				out = append(out, failing(w.String(), "skips every container of the injection", "at least one container with a token"))
			}
		}
		_, proxy := annotations[workloadid.InjectProxyAnnotation]
		proxy = proxy || t.strategy().Sidecar
		windows := spec.NodeSelector["kubernetes.io/os"] == "windows" || spec.OS != nil && spec.OS.Name == corev1.Windows
		switch {
		case proxy && spec.HostNetwork:
			out = append(out, failing(w.String(), "asks for the proxy sidecar on the host's network, which the webhook refuses", noProxy))
		case proxy && windows:
			out = append(out, failing(w.String(), "asks for the proxy sidecar on Windows, where there is none", noProxy))
		case proxy:
			out = append(out, podSecurity(ctx, t, w))
			out = append(out, checkSidecar(ctx, t, w, live)...)
		case spec.HostNetwork:
			out = append(out, passed(w.String(), "warning: on the host's network NMI never saw it; its tokens came past NMI"))
		}
		return out
	})
}

// noProxy is what helps a pod that cannot have the proxy sidecar.
const noProxy = "no sidecar: remove the annotation, or declare another strategy"

// podSecurity: the proxy's init container is privileged.
func podSecurity(ctx context.Context, t Target, w Workload) Evidence {
	ns, err := get(ctx, t.Cluster, Ref{APIVersion: "v1", Kind: "Namespace", Name: w.Namespace})
	if err != nil || ns == nil {
		return unclear("Namespace/"+w.Namespace, fmt.Sprintf("cannot be read: %v", err))
	}
	level := ns.GetLabels()["pod-security.kubernetes.io/enforce"]
	if level == "baseline" || level == "restricted" {
		return failing(w.String(), "asks for the proxy sidecar in a namespace that enforces pod security "+level, noProxy)
	}
	return passed(w.String(), "the proxy sidecar is admitted")
}

// checkQuiet: no rollout under way, no failure, not paused, no failing autoscaler (PF11). What is not quiet may become so: it holds.
func checkQuiet(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	return each(ctx, t, func(w Workload, live *liveWorkload) []Evidence {
		running, err := runningOf(ctx, t.Cluster, w, live)
		if err != nil {
			return []Evidence{unclear(w.String(), err.Error())}
		}
		var out []Evidence
		name := scaledRef(w).String()
		if status, reason := condition(running, "ReplicaFailure"); status == "True" {
			out = append(out, unclear(name, "its controller cannot create pods: "+reason))
		}
		if lookupTrue(running.Object, "spec", "paused") {
			out = append(out, unclear(name, "it is paused; whoever paused it must resume it"))
		}
		if p := Rollout(running, []*unstructured.Unstructured{live.Unstructured}); !p.Complete && w.Kind != "CronJob" && !onDeletion(running) {
			out = append(out, unclear(name, "a rollout is under way: "+cmp.Or(p.Failed, p.Reason)))
		}
		return append(out, checkAutoscaler(ctx, t, scaledRef(w))...)
	})
}

// onDeletion reports whether the pods of a workload stay as they are until each is deleted.
func onDeletion(w *unstructured.Unstructured) bool {
	return text(w.Object, "spec", "updateStrategy", "type") == onDeleteStrategy
}

func checkAutoscaler(ctx context.Context, t Target, w Ref) []Evidence {
	hpas, err := list(ctx, t.Cluster, Selection{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler", Namespace: w.Namespace})
	if err != nil {
		return []Evidence{unclear(w.String(), "its autoscalers cannot be read: "+err.Error())}
	}
	for _, h := range hpas {
		if !scales(h, w) {
			continue
		}
		if status, reason := condition(h, "AbleToScale"); status == "False" {
			return []Evidence{unclear("HorizontalPodAutoscaler/"+h.GetName(), "cannot scale: "+reason)}
		}
	}
	return nil
}
