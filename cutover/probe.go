package cutover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// DefaultProbes is how many pods [InjectionProbe] tries: the webhook runs as several replicas, each with a cache of its own.
const DefaultProbes = 10

// InjectionProbe returns a gate that sends dry-run pods of each workload to the API server, labelled for the webhook, and judges what
// comes back (V1). The webhook declares no side effects, so it takes part in a dry run, and nothing is stored. It proves, before
// any pod changes, that the webhook is up, that every replica has seen the service account's annotation, and that the namespace's
// admission rules let such a pod in. Zero probes means [DefaultProbes]. Where a unit has nothing but Jobs and pods that are left to finish,
// and where nobody knows where a workload keeps its template, a plain pod of the service account is tried.
//
// A refusal by the webhook fails; a refusal that says nothing about it (no permission, quota, no answer) is inconclusive.
func InjectionProbe(probes int) Gate {
	if probes <= 0 {
		probes = DefaultProbes
	}
	return func(ctx context.Context, t Target) Verdict {
		var evidence []Evidence
		for _, w := range t.probed() {
			account, ok := t.Unit.account(w.ServiceAccount)
			if !ok {
				evidence = append(evidence, Evidence{Check: "V1", Object: w.String(), Got: "the unit has no service account " + w.ServiceAccount, Result: Inconclusive})
				continue
			}
			want := t.injection(account)
			e, _ := probe(ctx, t, w, probes, want)
			evidence = append(evidence, e)
		}
		return Judge("injection probe", evidence...)
	}
}

// probe sends the dry-run pods of one workload, and says how long each was on the way, sorted.
func probe(ctx context.Context, t Target, w Workload, probes int, want Injection) (Evidence, []time.Duration) {
	e := Evidence{Check: "V1", Object: w.String(), Want: fmt.Sprintf("%d of %d dry-run pods injected", probes, probes)}
	pod, err := dryRunPod(ctx, t.Cluster, w, t.strategy())
	if err != nil {
		e.Result, e.Got = Inconclusive, "no pod to try: "+err.Error()
		return e, nil
	}
	var took []time.Duration
	good := 0
	for range probes {
		begun := time.Now()
		born, err := createDry(ctx, t.Cluster, pod)
		took = append(took, time.Since(begun))
		if err != nil {
			e.Result, e.Got = refusal(err)
			return e, nil
		}
		if v := Judge("", Injected(born, want)...); v.Result == Pass {
			good++
		} else {
			e.Result, e.Got = v.Result, v.Reason
		}
	}
	slices.Sort(took)
	if good == probes {
		e.Result, e.Got = Pass, fmt.Sprintf("%d of %d dry-run pods injected", good, probes)
		return e, took
	}
	e.Got = fmt.Sprintf("only %d of %d dry-run pods were injected: %s", good, probes, e.Got)
	return e, took
}

// account returns the unit's service account of that name.
func (u *Unit) account(name string) (Account, bool) {
	for _, a := range u.Accounts {
		if a.Ref.Name == name {
			return a, true
		}
	}
	return Account{}, false
}

// dryRunPod makes the pod that the workload's template would make, labelled for the webhook, and asking for the sidecar where the strategy does.
func dryRunPod(ctx context.Context, r Reader, w Workload, s Strategy) (*unstructured.Unstructured, error) {
	if w.Template == nil {
		return plainPod(w, s), nil
	}
	live, err := readWorkload(ctx, r, w)
	if err != nil {
		return nil, err
	}
	labels := map[string]any{workloadid.UseLabel: workloadid.UseValue}
	for k, v := range live.template.Labels {
		if k != workloadid.UseLabel {
			labels[k] = v
		}
	}
	meta := map[string]any{"namespace": w.Namespace, "generateName": "wimigrate-probe-", "labels": labels}
	if a := s.probeAnnotations(live); len(a) > 0 {
		meta["annotations"] = a
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": live.raw["spec"]}}, nil
}

// createDry returns the pod as it would be born.
func createDry(ctx context.Context, r Reader, pod *unstructured.Unstructured) (*corev1.Pod, error) {
	out, err := admitDry(ctx, r, pod)
	if err != nil {
		return nil, err
	}
	return toPod(out)
}

// admitDry asks the API server whether it would admit a pod.
func admitDry(ctx context.Context, r Reader, pod *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	body, err := json.Marshal(pod)
	if err != nil {
		return nil, err
	}
	return r.DryRun(ctx, Write{Verb: Create, Ref: Ref{APIVersion: "v1", Kind: "Pod", Namespace: pod.GetNamespace()}, Body: body})
}

// refusal tells what a refused dry run says about the webhook.
func refusal(err error) (Result, string) {
	status := apierrors.APIStatus(nil)
	switch {
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "violates PodSecurity"):
		return Fail, "no such pod can be born: " + err.Error()
	case !errors.As(err, &status):
		return Inconclusive, "no answer from the API server: " + err.Error()
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return Inconclusive, "the API server does not let us try: " + err.Error()
	case apierrors.IsTooManyRequests(err), apierrors.IsServerTimeout(err), apierrors.IsTimeout(err), apierrors.IsServiceUnavailable(err):
		return Inconclusive, "the API server is busy: " + err.Error()
	case apierrors.IsInternalError(err) && !strings.Contains(err.Error(), "webhook"):
		// A webhook that does not answer is an internal error too, and says so; any other is the API server's own, and will pass.
		return Inconclusive, "the API server is broken: " + err.Error()
	}
	return Fail, "no such pod can be born: " + err.Error()
}
