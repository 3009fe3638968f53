package cutover

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// webhook: it is there, and takes pods of the namespace.
func (x *explainer) webhook() {
	hook, err := findWebhook(x.ctx, x.t.Cluster)
	switch {
	case err != nil:
		x.add("webhook", "", unclear("", "cannot be looked up: "+err.Error()), "")
	case hook == nil:
		x.add("webhook", workloadid.WebhookName, failing("", "no webhook "+workloadid.WebhookName+" is registered", ""),
			"enable workload identity on the cluster (az aks update --enable-workload-identity), or install the webhook")
	default:
		e := selects(x.ctx, x.t, hook)
		if e.Result != Pass {
			x.add("webhook", workloadid.WebhookName, e, e.Want)
			return
		}
		x.add("webhook", workloadid.WebhookName, x.nextPod(), "see that the webhook's pods run and that the API server reaches them; "+
			"with failurePolicy Fail no labelled pod is born without it, with Ignore it is born without its environment")
	}
}

// nextPod asks the API server, in a dry run, what the next pod of a workload would be like: a webhook that is registered may not answer.
func (x *explainer) nextPod() Evidence {
	object := x.out.Object
	if object.Kind == "Pod" {
		return passed("", "it selects the pod")
	}
	w := Workload{Ref: object, ServiceAccount: x.account.Ref.Name, Template: templatePath(object.APIVersion, object.Kind)}
	if w.Template == nil {
		return unclear("", fmt.Sprintf("no pod to try: nobody knows where %s keeps its pod template", w.Kind))
	}
	e, _ := probe(x.ctx, x.t, w, 1, Injection{})
	if e.Result == Pass {
		e.Got = "it injects the workload's next pod"
	}
	return e
}

// environment: what the webhook put into the pod when it was born; nothing changes it later.
func (x *explainer) environment() {
	if x.pod == nil {
		x.add("environment", "", unclear("", "no pod to look at"), "")
		return
	}
	v := Judge("", Injected(x.pod, Injection{ClientID: x.named, TenantID: x.account.Identity.TenantID, Sidecar: asksForProxy(x.pod)})...)
	got := "injected"
	if v.Result != Pass {
		got = v.Reason
	}
	fix := "let the pod be made anew: it was born before the label or the annotation, or while the webhook was away"
	for _, c := range x.spec.Containers {
		for _, e := range c.Env {
			if e.Name == workloadid.EnvClientID && !strings.EqualFold(e.Value, x.named) && x.named != "" && !x.injectedByWebhook() {
				fix = "remove " + e.Name + " from container " + c.Name + " of the template: a container's own variable wins over the webhook's"
			}
		}
	}
	x.add("environment", podObject(x.pod), Evidence{Result: v.Result, Got: got}, fix)
}

// injectedByWebhook reports whether the template itself is that of a pod: its variables may then be the webhook's.
func (x *explainer) injectedByWebhook() bool { return x.out.Object.Kind == "Pod" }

// issuer: what tokens of the cluster say, byte for byte.
func (x *explainer) issuer() {
	claims, err := mint(x.ctx, x.t, x.account)
	if err != nil {
		x.add("issuer", "", unclear("", "no token could be minted: "+err.Error()), "")
		return
	}
	x.iss = claims.Issuer
	if want := x.o.Issuer; want != "" && want != x.iss {
		x.add("issuer", "", failing("", "tokens say "+x.iss+", not "+want+nearness(want, x.iss), ""), "use the issuer of minted tokens, "+x.iss+", everywhere")
		return
	}
	x.add("issuer", "", passed("", x.iss), "")
}

// credential: the identity trusts the triple of the pod's token.
func (x *explainer) credential() {
	const name = "federated credential"
	triple := fmt.Sprintf("issuer %s, subject %s, audience %s", x.iss, workloadid.Subject(x.account.Ref.Namespace, x.account.Ref.Name), workloadid.Audience)
	switch {
	case x.t.Trust == nil:
		x.add(name, "", unclear("", "nobody reads what identities trust; needed is "+triple), "")
	case x.iss == "":
		x.add(name, "", unclear("", "the issuer is unknown"), "")
	default:
		have, err := x.t.Trust.List(x.ctx, x.account.Identity)
		if err != nil {
			x.add(name, "", unclear("", "what the identity trusts is unknown: "+err.Error()), "")
			return
		}
		x.add(name, x.account.Identity.ID(), trusted(x.account, x.iss, have), "create a federated credential with exactly "+triple)
	}
}

// exchange: Entra gives a token of the right identity for a token of the service account.
func (x *explainer) exchange() {
	if x.account.Identity.ClientID == "" {
		x.add("exchange", "", unclear("", "the client ID is unknown"), "")
		return
	}
	ref := Ref{}
	if x.pod != nil {
		ref = x.out.Pod
	}
	e := exchange(x.ctx, x.t, x.account, ref)
	x.add("exchange", x.account.Ref.String(), e,
		"make the identity trust the service account; after a change of its credentials wait some minutes before the next try")
}

// application: what the application in the pod does with all that.
func (x *explainer) application() {
	if x.pod == nil || x.t.Oracle == nil {
		x.add("application", "", unclear("", "nobody knows how the application gets its tokens"), "")
		return
	}
	w := Workload{Ref: x.out.Object, ServiceAccount: x.account.Ref.Name}
	x.t.Unit.Accounts = []Account{x.account}
	for _, e := range telemetryOf(x.ctx, x.t, w, []*corev1.Pod{x.pod}) {
		x.add("application", podObject(x.pod), e,
			"update its Azure SDK to one that reads AZURE_FEDERATED_TOKEN_FILE, or use package credential; then let the pod be made anew")
	}
}

// bindings finds what Pod Identity has for the pod's old label.
func (x *explainer) bindings() (path string, clientID string) {
	value := x.labels[podidentity.Label]
	if value == "" {
		return "", ""
	}
	path = podidentity.Label + "=" + value
	bindings, err := optional(x.ctx, x.t.Cluster, Selection{APIVersion: podidentity.GroupVersion, Kind: podidentity.KindBinding, Namespace: x.t.Unit.Namespace})
	if err != nil {
		return path + " → bindings cannot be read: " + err.Error(), ""
	}
	for _, b := range bindings {
		if text(b.Object, "spec", "selector") != value {
			continue
		}
		name := text(b.Object, "spec", "azureIdentity")
		path += " → AzureIdentityBinding/" + b.GetName() + " → AzureIdentity/" + name
		live, err := get(x.ctx, x.t.Cluster, Ref{APIVersion: podidentity.GroupVersion, Kind: podidentity.KindIdentity, Namespace: x.t.Unit.Namespace, Name: name})
		if err != nil || live == nil {
			return path + " (not there)", ""
		}
		id := text(live.Object, "spec", "clientID")
		return path + " (client ID " + id + ")", id
	}
	return path + " → no binding of the namespace selects it", ""
}

func (x *explainer) oldClientID() string {
	_, id := x.bindings()
	return id
}

func (x *explainer) oldPath() { x.out.OldPath, _ = x.bindings() }
