package cutover_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

func TestPreflightTripsOnEachFault(t *testing.T) {
	const fail, unclear = cutover.Fail, cutover.Inconclusive
	d := func(path string, value any) func(*world, *cutover.Target, *cutover.PreflightOptions) {
		return func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.set("Deployment", "api", path, value)
		}
	}
	container := func(extra map[string]any) func(*world, *cutover.Target, *cutover.PreflightOptions) {
		c := map[string]any{"name": "app"}
		maps.Copy(c, extra)
		return d("spec template spec containers", []any{c})
	}
	env := func(e map[string]any) func(*world, *cutover.Target, *cutover.PreflightOptions) {
		return container(map[string]any{"env": []any{e}})
	}
	list := func(creds []federation.Credential, err error) func(*world, *cutover.Target, *cutover.PreflightOptions) {
		return func(_ *world, t *cutover.Target, _ *cutover.PreflightOptions) {
			t.Trust = trustFunc(func(catalog.Identity) ([]federation.Credential, error) { return creds, err })
		}
	}
	for _, tc := range []struct {
		name   string
		change func(*world, *cutover.Target, *cutover.PreflightOptions)
		code   string
		want   cutover.Result
		says   string
	}{
		{"a permission is missing", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) { w.denied = "patch serviceaccounts" }, "PF01", fail, "may not patch serviceaccounts"},
		{"tokens may not be minted", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) { w.denied = "create serviceaccounts" }, "PF01", fail, "create serviceaccounts/token"},
		{"the cluster's clock is ahead", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) { w.skew = 10 * time.Minute }, "PF02", fail, "API server's clock is"},
		{"Entra's clock is behind", func(_ *world, _ *cutover.Target, o *cutover.PreflightOptions) {
			o.EntraClock = func(context.Context) (time.Time, error) { return time.Now().Add(-2 * time.Minute), nil }
		}, "PF02", fail, "Entra's clock is 2m"},
		{"Entra's clock is unknown", func(_ *world, _ *cutover.Target, o *cutover.PreflightOptions) { o.EntraClock = nil }, "PF02", unclear, "no EntraClock"},
		{"tokens have another issuer than the plan", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.iss = strings.TrimSuffix(issuer, "/")
		}, "PF03", fail, "trailing slash differs"},
		{"ARM spells the issuer otherwise", func(_ *world, _ *cutover.Target, o *cutover.PreflightOptions) {
			o.Issuers = func(context.Context, string) (map[string]string, error) {
				return map[string]string{"ARM": strings.ToUpper(issuer)}, nil
			}
		}, "PF03", fail, "ARM says issuer"},
		{"the federated credential lacks the slash", list([]federation.Credential{{Issuer: strings.TrimSuffix(issuer, "/"), Subject: "system:serviceaccount:payments:api", Audience: "api://AzureADTokenExchange"}}, nil), "PF03", fail, "a trailing slash differs"},
		{"what is trusted cannot be read", list(nil, errors.New("403")), "PF03", unclear, "is unknown: 403"},
		{"no webhook", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) { w.drop("MutatingWebhookConfiguration") }, "PF04", fail, "no webhook"},
		{"the webhook leaves the namespace out", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			hooks, _, _ := unstructured.NestedSlice(w.find("MutatingWebhookConfiguration", ""), "webhooks")
			hooks[0].(map[string]any)["namespaceSelector"] = map[string]any{"matchLabels": map[string]any{"wi": "on"}}
			w.find("MutatingWebhookConfiguration", "")["webhooks"] = hooks
		}, "PF04", fail, "namespaceSelector leaves the namespace out"},
		{"the webhook's CA ends tomorrow", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.hookSet("clientConfig caBundle", endingCA(t, 24*time.Hour))
		},
			"PF04", fail, "the webhook's CA ends at"},
		{"the webhook has a CA that nobody can read", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.hookSet("clientConfig caBundle", "bm9uZQ==")
		},
			"PF04", unclear, "no caBundle"},
		{"one endpoint behind the webhook", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.find("EndpointSlice", "")["endpoints"] = []any{map[string]any{"nodeName": "n1", "conditions": map[string]any{"ready": true}}}
		}, "PF04", fail, "1 ready endpoints on 1 nodes"},
		{"the webhook injects half", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			good := w.born
			w.born = func(n int) *unstructured.Unstructured {
				if n%2 == 0 {
					return &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "app"}}}}}
				}
				return good(n)
			}
		}, "PF04", fail, "only 5 of 10"},
		{"the webhook takes its time now and then", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			good := w.born
			w.born = func(n int) *unstructured.Unstructured {
				if n == 7 {
					time.Sleep(1200 * time.Millisecond)
				}
				return good(n)
			}
		}, "PF04", unclear, "99 % of 10 dry-run pods were admitted within 1.2s, want within 1s"},
		{"the service account is missing", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) { w.drop("ServiceAccount") }, "PF05", fail, "does not exist"},
		{"the service account has another client ID", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.set("ServiceAccount", "api", "metadata annotations", map[string]any{"azure.workload.identity/client-id": "other"})
		}, "PF05", fail, "client ID other"},
		{"the service account has another tenant", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.set("ServiceAccount", "api", "metadata annotations", map[string]any{"azure.workload.identity/tenant-id": "theirs"})
		}, "PF05", fail, "tenant ID theirs, want none, or ours"},
		{"the service account has a tenant, and nobody knows which is right", func(w *world, target *cutover.Target, _ *cutover.PreflightOptions) {
			w.set("ServiceAccount", "api", "metadata annotations", map[string]any{"azure.workload.identity/tenant-id": "theirs"})
			target.Unit.Accounts[0].Identity.TenantID = ""
		}, "PF05", unclear, "the tenant of its identity is unknown"},
		{"a service account with two identities", func(_ *world, t *cutover.Target, _ *cutover.PreflightOptions) {
			b := t.Unit.Accounts[0]
			b.Identity = catalog.Identity{ClientID: "b", ResourceID: "/id-b"}
			t.Unit.Accounts = append(t.Unit.Accounts, b)
		}, "PF06", fail, "leads to /id-api and to /id-b"},
		{"the old label is in the selector", d("spec selector matchLabels aadpodidbinding", "payments"), "PF07", fail, "spec.selector names aadpodidbinding"},
		{"the old label is in an expression of the selector", d("spec selector matchExpressions", []any{map[string]any{"key": "aadpodidbinding", "operator": "Exists"}}),
			"PF07", fail, "spec.selector names aadpodidbinding"},
		{"a hard-coded tenant ID", env(map[string]any{"name": "AZURE_TENANT_ID", "value": "theirs"}), "PF08", fail, "hard-codes AZURE_TENANT_ID=theirs, want ours"},
		{"a hard-coded client ID", env(map[string]any{"name": "AZURE_CLIENT_ID", "value": "old"}), "PF08", fail, "hard-codes AZURE_CLIENT_ID=old"},
		{"a client ID from elsewhere", env(map[string]any{"name": "AZURE_CLIENT_ID", "valueFrom": map[string]any{}}), "PF08", unclear, "valueFrom"},
		{"a hard-coded token file", env(map[string]any{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/x"}), "PF08", fail, "hard-codes AZURE_FEDERATED_TOKEN_FILE"},
		{"every container is skipped", d("spec template metadata annotations", map[string]any{"azure.workload.identity/skip-containers": "app"}), "PF09", fail, "skips every container"},
		{"the proxy on the host's network", func(w *world, target *cutover.Target, o *cutover.PreflightOptions) {
			d("spec template metadata annotations", map[string]any{"azure.workload.identity/inject-proxy-sidecar": "true"})(w, target, o)
			d("spec template spec hostNetwork", true)(w, target, o)
		}, "PF09", fail, "on the host's network, which the webhook refuses"},
		{"the proxy on Windows", func(w *world, target *cutover.Target, o *cutover.PreflightOptions) {
			d("spec template metadata annotations", map[string]any{"azure.workload.identity/inject-proxy-sidecar": "true"})(w, target, o)
			d("spec template spec os", map[string]any{"name": "windows"})(w, target, o)
		}, "PF09", fail, "on Windows, where there is none"},
		{"the proxy in a restricted namespace", func(w *world, t *cutover.Target, o *cutover.PreflightOptions) {
			d("spec template metadata annotations", map[string]any{"azure.workload.identity/inject-proxy-sidecar": "false"})(w, t, o)
			w.set("Namespace", "payments", "metadata labels", map[string]any{"pod-security.kubernetes.io/enforce": "restricted"})
		}, "PF09", fail, "enforces pod security restricted"},
		{"an identity over its limit", list(make([]federation.Credential, 21), nil), "PF10", fail, "holds 21"},
		{"a paused workload", d("spec paused", true), "PF11", unclear, "it is paused"},
		{"a rollout under way", d("status updatedReplicas", int64(1)), "PF11", unclear, "a rollout is under way"},
		{"pods cannot be created", d("status conditions", []any{map[string]any{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}}), "PF11", unclear, "FailedCreate"},
		{"an autoscaler that cannot scale", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.add("{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {namespace: payments, name: h}, spec: {scaleTargetRef: {kind: Deployment, name: api}}, " +
				"status: {conditions: [{type: AbleToScale, status: 'False', reason: FailedGetScale}]}}")
		}, "PF11", unclear, "HorizontalPodAutoscaler/h: cannot scale: FailedGetScale"},
		{"no quota is left for the canary", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) { // the surge is one pod, the canary two
			w.add("{apiVersion: v1, kind: ResourceQuota, metadata: {namespace: payments, name: q}, status: {hard: {requests.cpu: 350m}, used: {requests.cpu: 200m}}}")
		}, "PF12", fail, "150m left, and the rollout of Deployment/api adds 200m"},
		{"no quota is left for induced load", func(w *world, target *cutover.Target, _ *cutover.PreflightOptions) {
			target.Plan.Limits.InducePods = 20
			w.add("{apiVersion: v1, kind: ResourceQuota, metadata: {namespace: payments, name: q}, status: {hard: {pods: 6}, used: {pods: 2}}}")
		}, "PF12", unclear, "4 left, and induced load on Deployment/api adds 5"},
		{"no quota is left for the surge", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.add("{apiVersion: v1, kind: ResourceQuota, metadata: {namespace: payments, name: q}, status: {hard: {requests.cpu: 250m}, used: {requests.cpu: 200m}}}")
		}, "PF12", fail, "50m left"},
		{"a GitOps owner that the plan does not know", d("metadata labels", map[string]any{"kustomize.toolkit.fluxcd.io/name": "apps"}), "PF13", fail, "belongs to Flux"},
		{"an owner that marks its objects by a label", d("metadata labels", map[string]any{"argocd.argoproj.io/instance": "shop"}), "PF13", fail, "belongs to Argo CD"},
		{"secrets that use Pod Identity", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.add(`{apiVersion: secrets-store.csi.x-k8s.io/v1, kind: SecretProviderClass, metadata: {namespace: payments, name: kv}, spec: {parameters: {usePodIdentity: "true"}}}`)
		}, "PF14", fail, "usePodIdentity"},
		{"a trigger that uses Pod Identity", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.add(`{apiVersion: keda.sh/v1alpha1, kind: TriggerAuthentication, metadata: {namespace: payments, name: q}, spec: {podIdentity: {provider: azure}}}`)
		}, "PF14", fail, "provider azure"},
		{"a trigger that uses Pod Identity by an authentication of the cluster", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.add(`{apiVersion: keda.sh/v1alpha1, kind: ClusterTriggerAuthentication, metadata: {name: all}, spec: {podIdentity: {provider: azure}}}`)
			w.add(`{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {namespace: payments, name: api}, spec: {triggers: [{authenticationRef: {kind: ClusterTriggerAuthentication, name: all}}]}}`)
		}, "PF14", fail, "and ScaledObject/api refers to it"},
		{"pods that NMI lets through", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.add(`{apiVersion: aadpodidentity.k8s.io/v1, kind: AzurePodIdentityException, metadata: {namespace: payments, name: x}, spec: {podLabels: {app: api}}}`)
		}, "PF14", fail, "AzurePodIdentityException/x: lets the pods of Deployment/api past NMI"},
		{"an unknown application that nobody can watch", func(_ *world, t *cutover.Target, _ *cutover.PreflightOptions) { t.Oracle = nil }, "PF15", unclear, "no PathOracle"},
		{"a cluster that was rebuilt", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.set("Namespace", "kube-system", "metadata uid", "other")
		}, "PF16", fail, "the cluster was rebuilt"},
		{"a workload that was made anew", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.set("Deployment", "api", "metadata uid", "other")
		}, "PF16", fail, "made anew"},
		{"a policy that refuses the annotation", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.refuse = func(write cutover.Write) error {
				if write.Ref.Kind != "ServiceAccount" {
					return nil
				}
				return apierrors.NewForbidden(schema.GroupResource{Resource: "serviceaccounts"}, "api", errors.New("policy"))
			}
		}, "PF17", fail, "annotate/api is refused"},
		{"a policy that keeps the old label", func(w *world, target *cutover.Target, _ *cutover.PreflightOptions) {
			target.Unit.Steps = append(target.Unit.Steps, cutover.Step{ID: "unbind", Kind: cutover.StepUnbind, Edits: []cutover.Edit{{ID: "unbind/Deployment/api", Verb: cutover.Patch,
				Ref: target.Unit.Workloads[0].Ref, Hold: 2, Fields: []cutover.Field{{Path: strings.Fields("spec template metadata labels aadpodidbinding"), Before: "payments"}}}}})
			w.refuse = func(write cutover.Write) error {
				if !strings.Contains(string(write.Body), `{"op":"remove","path":"/spec/template/metadata/labels/aadpodidbinding"}`) {
					return nil
				}
				return apierrors.NewForbidden(schema.GroupResource{Resource: "deployments"}, "api", errors.New("policy"))
			}
		}, "PF17", fail, "unbind/Deployment/api is refused"},
	} {
		t.Run(tc.code+" "+tc.name, func(t *testing.T) {
			v := runPreflight(t, []string{tc.code}, tc.change)
			if v.Result != tc.want || !strings.Contains(v.Reason, tc.says) || !strings.HasPrefix(v.Reason, tc.code+" ") && !strings.HasPrefix(v.Reason, tc.code+":") {
				t.Errorf("%+v; want %s with %q", v, tc.want, tc.says)
			}
		})
	}
}

func TestPreflightPassesAHealthyUnit(t *testing.T) {
	var all []string
	for _, c := range cutover.Checks() {
		all = append(all, c.Code)
		t.Run(c.Code+" "+c.Title, func(t *testing.T) {
			if v := runPreflight(t, []string{c.Code}, nil); v.Result != cutover.Pass {
				t.Errorf("%+v", v)
			}
		})
	}
	v := runPreflight(t, all, func(w *world, _ *cutover.Target, o *cutover.PreflightOptions) {
		w.drop("ServiceAccount")
		o.Skip = []string{"PF05", "PF16", "PF17"}
	})
	if v.Result != cutover.Pass {
		t.Errorf("with the tripping checks skipped: %+v", v)
	}
}

// What does not stop a unit is said all the same.
func TestPreflightWarns(t *testing.T) {
	const pod = "{apiVersion: v1, kind: Pod, metadata: {namespace: kube-system, name: hook-a, labels: {app: hook}}}"
	behind := func(w *world) {
		w.find("EndpointSlice", "")["endpoints"] = []any{
			map[string]any{"nodeName": "n1", "conditions": map[string]any{"ready": true}, "targetRef": map[string]any{"name": "hook-a"}},
			map[string]any{"nodeName": "n2", "conditions": map[string]any{"ready": true}, "targetRef": map[string]any{"name": "hook-b"}}}
		w.add(pod)
	}
	for _, tc := range []struct {
		name, code string
		change     func(*world)
		says       string
	}{
		{"a webhook that is passed over when it is down", "PF04", func(w *world) { w.hookSet("failurePolicy", "Ignore") }, "warning: its failurePolicy is Ignore"},
		{"a webhook without a PodDisruptionBudget", "PF04", behind, "warning: no PodDisruptionBudget selects its pods"},
		{"one with a budget of something else", "PF04", func(w *world) {
			behind(w)
			w.add("{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {namespace: kube-system, name: dns}, spec: {selector: {matchLabels: {app: dns}}}}")
		}, "warning: no PodDisruptionBudget selects its pods"},
		{"not one with a budget", "PF04", func(w *world) {
			behind(w)
			w.add("{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {namespace: kube-system, name: hook}, spec: {selector: {matchLabels: {app: hook}}}}")
		}, "PodDisruptionBudget/hook protects it"},
		{"pods on the host's network", "PF09", func(w *world) { w.set("Deployment", "api", "spec template spec hostNetwork", true) }, "warning: on the host's network NMI never saw it"},
		{"a rollout by strategy Recreate, which has no surge", "PF12", func(w *world) {
			w.set("Deployment", "api", "spec strategy", map[string]any{"type": "Recreate"})
			w.add("{apiVersion: v1, kind: ResourceQuota, metadata: {namespace: payments, name: q}, status: {hard: {pods: 2}, used: {pods: 2}}}")
		}, "warning: its rollout takes a pod away before it adds one"},
		{"an authentication of the cluster that nothing here refers to", "PF14", func(w *world) {
			w.add(`{apiVersion: keda.sh/v1alpha1, kind: ClusterTriggerAuthentication, metadata: {name: all}, spec: {podIdentity: {provider: azure}}}`)
		}, "nothing else in the namespace needs the old path"},
		{"an exception for other pods", "PF14", func(w *world) {
			w.add(`{apiVersion: aadpodidentity.k8s.io/v1, kind: AzurePodIdentityException, metadata: {namespace: payments, name: x}, spec: {podLabels: {app: other}}}`)
		}, "nothing else in the namespace needs the old path"},
	} {
		t.Run(tc.code+" "+tc.name, func(t *testing.T) {
			v := runPreflight(t, []string{tc.code}, func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) { tc.change(w) })
			said := func(e cutover.Evidence) bool { return strings.Contains(e.Got, tc.says) }
			if v.Result != cutover.Pass || !slices.ContainsFunc(v.Evidence, said) {
				t.Errorf("%+v; want a pass that says %q", v, tc.says)
			}
		})
	}
}

// What no rule knows is not changed, so preflight lets the unit come to the step at which it is held for a person.
func TestPreflightLeavesUnknownKindsToAPerson(t *testing.T) {
	for _, c := range cutover.Checks() {
		t.Run(c.Code, func(t *testing.T) {
			v := runPreflight(t, []string{c.Code}, func(_ *world, target *cutover.Target, _ *cutover.PreflightOptions) {
				target.Unit.Workloads[0].Template, target.Workloads[0].Template = nil, nil
			})
			if v.Result != cutover.Pass {
				t.Errorf("%+v", v)
			}
		})
	}
}

func runPreflight(t *testing.T, codes []string, change func(*world, *cutover.Target, *cutover.PreflightOptions)) cutover.Verdict {
	t.Helper()
	var v cutover.Verdict
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, testCA(t))
		target := preflightTarget(w)
		o := &cutover.PreflightOptions{EntraClock: func(context.Context) (time.Time, error) { return time.Now(), nil }}
		if change != nil {
			change(w, &target, o)
		}
		target.Unit.Requires = codes
		v = cutover.Preflight(o)(t.Context(), target)
	})
	return v
}
