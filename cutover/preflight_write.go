package cutover

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// checkOwner: a GitOps tool behind a workload is one that the plan reckons with (PF13).
func checkOwner(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	return each(ctx, t, func(w Workload, live *liveWorkload) []Evidence {
		owner := liveOwner(live.Unstructured)
		switch {
		case owner == "":
			return nil
		case t.Unit.Mode == Direct && w.Owner == "":
			return []Evidence{failing(w.String(), "belongs to "+owner+", which the plan does not know: it would put the old label back",
				"plan again, in mode gitops or suspend")}
		}
		return []Evidence{passed(w.String(), "belongs to "+owner+"; the unit moves in mode "+string(t.Unit.Mode))}
	})
}

// liveOwner names the GitOps tool whose marks an object carries.
func liveOwner(o *unstructured.Unstructured) string {
	labels, annotations := o.GetLabels(), o.GetAnnotations()
	switch {
	case annotations["argocd.argoproj.io/tracking-id"] != "", labels["argocd.argoproj.io/instance"] != "":
		return "Argo CD"
	case labels["kustomize.toolkit.fluxcd.io/name"] != "":
		return "Flux"
	case labels["helm.toolkit.fluxcd.io/name"] != "":
		return "Flux's Helm controller"
	}
	return ""
}

// checkAttestation: an application that nobody vouches for loses the old label only behind a canary, with its tokens watched; and in a
// single rollout, not at all (PF15).
func checkAttestation(ctx context.Context, t Target, o PreflightOptions) []Evidence {
	var out []Evidence
	if t.strategy().SingleRollout {
		out = each(ctx, t, func(w Workload, live *liveWorkload) []Evidence { return checkHoldable(t, w, live) })
	}
	for _, w := range t.Workloads {
		known := attested(w, o)
		switch {
		case t.strategy().Sidecar && t.Oracle == nil:
			out = append(out, unclear(w.String(), "the migration proxy takes its tokens, and there is no PathOracle to see that NMI does not"))
		case t.strategy().Sidecar:
			out = append(out, passed(w.String(), "the migration proxy takes its tokens, and NMI is watched"))
		case t.strategy().SingleRollout && known != AttestVerified && known != AttestDeclared:
			out = append(out, failing(w.String(),
				"nobody knows whether the application uses its federated token, and its first pods by the new path have no old one",
				"two rollouts, or its owner's word"))
		case known == AttestVerified || known == AttestDeclared:
			out = append(out, passed(w.String(), "its use of the federated token is "+string(known)))
		case t.Oracle == nil:
			out = append(out, unclear(w.String(), "nobody knows whether the application uses its federated token, and there is no PathOracle to watch it by"))
		default:
			out = append(out, checkCanary(ctx, t, w))
		}
	}
	return out
}

// checkCanary: the workload, as it is now, loses the old label by a canary whose tokens are watched. One that runs no pod does so by its
// probe, where one is approved: that pod is the first without the label.
func checkCanary(ctx context.Context, t Target, w Workload) Evidence {
	const unknown = "nobody knows whether the application uses its federated token, and "
	live, err := get(ctx, t.Cluster, w.Ref)
	if err != nil || live == nil {
		return unclear(w.String(), unknown+"the object, which says whether there can be a canary, cannot be read")
	}
	n, why := canaryOf(liveCircumstances(live, w, t.Unit.Mode), t.Plan.Limits.CanaryPods)
	switch {
	case n > 0:
		return passed(w.String(), "unknown use of the federated token; the canary's tokens will be watched")
	case w.Probe && desiredPods(live) == 0:
		return passed(w.String(), "unknown use of the federated token; no pod runs, and the tokens of its probe will be watched")
	}
	out := unclear(w.String(), unknown+"the old label leaves it without a canary: "+why)
	if out.Want = "its owner's word, or a canary"; t.Unit.Mode == GitOps {
		out.Want = "its owner's word, or mode suspend, in which there is a canary"
	}
	return out
}

// attested is what is known about an application: what the options say, or else what the plan has recorded.
func attested(w Workload, o PreflightOptions) Attestation {
	if o.Attest != nil {
		if known := o.Attest(w); known != AttestUnknown {
			return known
		}
	}
	if w.Attested == "" {
		return AttestUnknown
	}
	return w.Attested
}

// checkHoldable: the workload, as it is now, can be held at the canary pods of a single rollout.
func checkHoldable(t Target, w Workload, live *liveWorkload) []Evidence {
	switch {
	case len(holdFields(live.Unstructured, t.Plan.Limits.CanaryPods)) == 0:
		return []Evidence{failing(w.String(), "its update strategy or its number of pods does not let it be held at canary pods",
			"a rolling update and more pods than canaries, or two rollouts")}
	case desired(live.Unstructured) == 0:
		return []Evidence{failing(w.String(), "has no pod that could be a canary", "pods, or two rollouts")}
	}
	return []Evidence{passed(w.String(), "can be held at canary pods")}
}

// checkAdmission sends every planned write as a dry run, so that an admission policy says no before anything has changed (PF17).
func checkAdmission(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	var out []Evidence
	for _, s := range t.Unit.Steps {
		for _, e := range s.Edits {
			if e.Release != "" || e.AddOn || e.Manual || len(e.Fields) == 0 && e.Verb != Delete || len(e.Fields) > 0 && e.Fields[0].Live {
				continue // what it will write depends on what is there by then
			}
			if found := tryEdit(ctx, t, e); found.Result != Pass {
				out = append(out, found)
			}
		}
	}
	return out
}

func tryEdit(ctx context.Context, t Target, e Edit) Evidence {
	live, err := get(ctx, t.Cluster, e.Ref)
	switch {
	case err != nil:
		return unclear(e.Ref.String(), "cannot be read: "+err.Error())
	case live == nil:
		return failing(e.Ref.String(), e.ID+": it is gone", "plan again")
	}
	w := Write{Verb: e.Verb, Ref: e.Ref, ResourceVersion: live.GetResourceVersion()}
	w.Ref.UID = string(live.GetUID())
	fields := append(beforeImages(e.Fields, live), holdFields(live, e.Hold)...)
	switch e.Verb {
	case Apply:
		w.Body = mustJSON(applyBody(w.Ref, fields, ""))
	case Patch:
		w.Body = mustJSON(patchOps(fields, live.Object))
	case Delete, Create, Evict:
	}
	if len(fields) > 0 && e.Verb == Patch && w.Body == nil {
		return passed(e.Ref.String(), e.ID)
	}
	_, err = t.Cluster.DryRun(ctx, w)
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return passed(e.Ref.String(), e.ID)
	case apierrors.IsConflict(err) || !errors.As(err, &status) || passing(err):
		return unclear(e.Ref.String(), e.ID+": "+err.Error())
	}
	return failing(e.Ref.String(), e.ID+" is refused: "+err.Error(), "a policy that admits it")
}
