package cutover_test

import (
	"context"
	"errors"
	"maps"
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
		{"a service account with two identities", func(_ *world, t *cutover.Target, _ *cutover.PreflightOptions) {
			b := t.Unit.Accounts[0]
			b.Identity = catalog.Identity{ClientID: "b", ResourceID: "/id-b"}
			t.Unit.Accounts = append(t.Unit.Accounts, b)
		}, "PF06", fail, "leads to /id-api and to /id-b"},
		{"the old label is in the selector", d("spec selector matchLabels aadpodidbinding", "payments"), "PF07", fail, "spec.selector names aadpodidbinding"},
		{"a hard-coded client ID", env(map[string]any{"name": "AZURE_CLIENT_ID", "value": "old"}), "PF08", fail, "hard-codes AZURE_CLIENT_ID=old"},
		{"a client ID from elsewhere", env(map[string]any{"name": "AZURE_CLIENT_ID", "valueFrom": map[string]any{}}), "PF08", unclear, "valueFrom"},
		{"a hard-coded token file", env(map[string]any{"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/x"}), "PF08", fail, "hard-codes AZURE_FEDERATED_TOKEN_FILE"},
		{"every container is skipped", d("spec template metadata annotations", map[string]any{"azure.workload.identity/skip-containers": "app"}), "PF09", fail, "skips every container"},
		{"the proxy in a restricted namespace", func(w *world, t *cutover.Target, o *cutover.PreflightOptions) {
			d("spec template metadata annotations", map[string]any{"azure.workload.identity/inject-proxy-sidecar": "false"})(w, t, o)
			w.set("Namespace", "payments", "metadata labels", map[string]any{"pod-security.kubernetes.io/enforce": "restricted"})
		}, "PF09", fail, "enforces pod security restricted"},
		{"an identity over its limit", list(make([]federation.Credential, 21), nil), "PF10", fail, "holds 21"},
		{"a paused workload", d("spec paused", true), "PF11", unclear, "it is paused"},
		{"a rollout under way", d("status updatedReplicas", int64(1)), "PF11", unclear, "a rollout is under way"},
		{"pods cannot be created", d("status conditions", []any{map[string]any{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}}), "PF11", unclear, "FailedCreate"},
		{"no quota is left for the surge", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.add("{apiVersion: v1, kind: ResourceQuota, metadata: {namespace: payments, name: q}, status: {hard: {requests.cpu: 250m}, used: {requests.cpu: 200m}}}")
		}, "PF12", fail, "50m left"},
		{"a GitOps owner that the plan does not know", d("metadata labels", map[string]any{"kustomize.toolkit.fluxcd.io/name": "apps"}), "PF13", fail, "belongs to Flux"},
		{"secrets that use Pod Identity", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.add(`{apiVersion: secrets-store.csi.x-k8s.io/v1, kind: SecretProviderClass, metadata: {namespace: payments, name: kv}, spec: {parameters: {usePodIdentity: "true"}}}`)
		}, "PF14", fail, "usePodIdentity"},
		{"a trigger that uses Pod Identity", func(w *world, _ *cutover.Target, _ *cutover.PreflightOptions) {
			w.add(`{apiVersion: keda.sh/v1alpha1, kind: TriggerAuthentication, metadata: {namespace: payments, name: q}, spec: {podIdentity: {provider: azure}}}`)
		}, "PF14", fail, "provider azure"},
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
