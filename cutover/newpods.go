package cutover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// calmAfterBirth is how long a new container must run before a restart is somebody else's news.
const calmAfterBirth = time.Minute

// NewPods returns a gate that judges every pod of the target's workloads after a rollout: made from the newest template, injected (V1),
// born well (V2: Ready, calm for so long, and no container restarted within its first minute), and able to exchange a token bound to this
// very pod for one of the expected identity (V3).
//
// Where nothing but calm is missing it waits for that, but not for pods that are born meanwhile. Zero calm means one minute, negative
// none. A pod whose status says that it has been Ready for a minute more than that need not be waited for.
//
// A workload without a pod, such as one scaled to zero, is inconclusive and held for load: it never counts as verified, unless the plan
// approves a probe of it, whose pod is judged then. So is one with pods of an older template. Without an Exchanger V3 is inconclusive.
// It is safe for concurrent use, and remembers the pods that it saw last for each step of a unit.
func NewPods(calm time.Duration) Gate {
	number(&calm, calmAfterBirth)
	g := &newPods{calm: calm, seen: map[string]map[types.UID]time.Time{}}
	return g.judge
}

func judgePods(ctx context.Context, t Target, w Workload, found workloadPods) []Evidence {
	if len(found.current) == 0 {
		return []Evidence{{Check: "V2", Object: w.String(), Want: "a pod of the new template", Got: "there is none", Result: Inconclusive}}
	}
	var out []Evidence
	if t.Canary == 0 { // while a rollout is held, older pods are meant to be there
		for _, p := range found.others {
			out = append(out, Evidence{Check: "V2", Object: podObject(p), Want: "the newest template", Got: "an older one", Result: Inconclusive})
		}
	}
	for _, p := range found.current {
		out = append(out, JudgePod(ctx, t, w, p)...)
	}
	return out
}

// JudgePod judges one pod of a workload as it is now: V1, V2 and V3. The evidence is in that order. How old the pod is, it does not ask.
func JudgePod(ctx context.Context, t Target, w Workload, pod *corev1.Pod) []Evidence {
	account, ok := t.Unit.account(w.ServiceAccount)
	if !ok {
		return []Evidence{{Check: "V1", Object: podObject(pod), Got: "the unit has no service account " + w.ServiceAccount, Result: Inconclusive}}
	}
	out := Injected(pod, t.injection(account))
	out = append(out, born(pod, calmAfterBirth))
	ref := Ref{APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID)}
	return append(out, exchange(ctx, t, account, ref))
}

// born judges the beginning of a pod's life (V2): for so long no container may have restarted.
func born(pod *corev1.Pod, calm time.Duration) Evidence {
	e := Evidence{Check: "V2", Object: podObject(pod), Want: "Ready, and no restart in the first " + inWords(calm), Got: "Ready", Result: Pass}
	for _, s := range pod.Status.ContainerStatuses {
		last := s.LastTerminationState.Terminated
		if last == nil || s.RestartCount == 0 {
			continue
		}
		if ran := last.FinishedAt.Sub(last.StartedAt.Time); ran < calm {
			e.Result, e.Got = Fail, fmt.Sprintf("container %s ended after %s with exit code %d (%s)", s.Name, ran, last.ExitCode, last.Reason)
			return e
		}
	}
	if _, ready := readySince(pod); ready {
		return e
	}
	e.Result, e.Got = Inconclusive, "not Ready yet ("+string(pod.Status.Phase)+")"
	return e
}

func inWords(d time.Duration) string {
	if d == time.Minute {
		return "minute"
	}
	return d.String()
}

// exchange mints a token as the kubelet would, trades it at Entra, and compares the identity that comes back (V3). An empty pod means
// a token that is bound to no pod.
func exchange(ctx context.Context, t Target, account Account, pod Ref) Evidence {
	object := account.Ref.String()
	if pod.Name != "" {
		object = pod.String()
	}
	e := Evidence{Check: "V3", Object: object, Want: "a token of " + account.Identity.ClientID}
	if t.Exchanger == nil {
		e.Result, e.Got = Inconclusive, "the runner has no Exchanger"
		return e
	}
	assertion, err := t.Cluster.Token(ctx, TokenRequest{
		Namespace: account.Ref.Namespace, ServiceAccount: account.Ref.Name, Audience: workloadid.Audience, Pod: pod,
	})
	if err != nil {
		e.Result, e.Got = Inconclusive, "no service account token: "+err.Error()
		return e
	}
	claims, err := t.Exchanger.Exchange(ctx, ExchangeRequest{TenantID: account.Identity.TenantID, ClientID: account.Identity.ClientID, Assertion: assertion})
	switch {
	case err != nil && ctx.Err() != nil:
		e.Result, e.Got = Inconclusive, context.Cause(ctx).Error()
	case err != nil && !refusedByEntra(err):
		e.Result, e.Got = Inconclusive, "Entra did not answer: "+withoutSecret(err, assertion).Error()
	case err != nil:
		e.Result, e.Got = Fail, "Entra refused: "+withoutSecret(err, assertion).Error()
	case !strings.EqualFold(claims.AppID, account.Identity.ClientID):
		e.Result, e.Got = Fail, "a token of another identity: "+claims.AppID
	default:
		e.Result, e.Got = Pass, "a token of "+claims.AppID
	}
	return e
}

// withoutSecret keeps an assertion that an exchanger's error quotes out of evidence and journals.
func withoutSecret(err error, assertion string) error {
	if !strings.Contains(err.Error(), assertion) {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), assertion, "(token)"))
}
