package cutover

import (
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// find reads the pod, or the workload and one of its pods: the last one born, since that is what new ones look like.
func (x *explainer) find(object Ref) error {
	if object.Kind == "Pod" {
		live, err := get(x.ctx, x.t.Cluster, object)
		switch {
		case err != nil:
			return err
		case live == nil:
			return errors.New("it does not exist")
		}
		pod, err := toPod(live)
		if err != nil {
			return err
		}
		x.takePod(pod)
		x.labels, x.spec = pod.Labels, pod.Spec
		x.add("pod", podObject(pod), passed("", string(pod.Status.Phase)), "")
		return nil
	}
	w := Workload{Ref: object, Template: templatePath(object.APIVersion, object.Kind)}
	live, err := readWorkload(x.ctx, x.t.Cluster, w)
	if err != nil {
		return err
	}
	w.UID = string(live.GetUID())
	x.labels, x.spec = live.template.Labels, live.template.Spec
	found, err := podsOf(x.ctx, x.t, w)
	if err != nil {
		return fmt.Errorf("its pods cannot be read: %w", err)
	}
	for _, p := range append(found.others, found.current...) {
		if x.pod == nil || x.pod.CreationTimestamp.Before(&p.CreationTimestamp) {
			x.takePod(p)
		}
	}
	if x.pod == nil {
		x.add("pod", object.String(), unclear("", "no pod of it runs; its template is looked at"), "")
		return nil
	}
	x.add("pod", podObject(x.pod), passed("", x.pod.Name+", "+string(x.pod.Status.Phase)), "")
	return nil
}

func (x *explainer) takePod(p *corev1.Pod) {
	x.pod = p
	x.out.Pod = Ref{APIVersion: "v1", Kind: "Pod", Namespace: p.Namespace, Name: p.Name, UID: string(p.UID)}
}

// label: the webhook takes pods by an exact label on the pod; on the workload's own metadata it does nothing.
// https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
func (x *explainer) label() {
	got, there := x.labels[workloadid.UseLabel]
	e := passed("", workloadid.UseLabel+": \"true\"")
	fix := fmt.Sprintf("put the label %s: \"true\" on the pod template (spec.template.metadata.labels), and let the pods be made anew", workloadid.UseLabel)
	switch {
	case !there:
		e = failing("", "the label "+workloadid.UseLabel+" is not on the pod template", "")
	case got != workloadid.UseValue:
		e = failing("", fmt.Sprintf("the label %s is %q, and only \"true\" counts", workloadid.UseLabel, got), "")
	case x.pod != nil && x.pod.Labels[workloadid.UseLabel] != workloadid.UseValue:
		e, fix = failing("", "the template has the label, and the pod was born before it", ""), "let the pods be made anew: kubectl rollout restart"
	}
	x.add("label", "", e, fix)
}

// serviceAccount: without one the webhook refuses the pod. It reports whether there is one to go on with.
func (x *explainer) serviceAccount() bool {
	name := x.spec.ServiceAccountName
	if name == "" {
		name = "default"
	}
	ref := Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: x.t.Unit.Namespace, Name: name}
	x.account = Account{Ref: ref, Identity: x.o.Identity}
	live, err := get(x.ctx, x.t.Cluster, ref)
	switch {
	case err != nil:
		x.add("service account", ref.String(), unclear("", "cannot be read: "+err.Error()), "")
		return false
	case live == nil:
		x.add("service account", ref.String(), failing("", name+" does not exist", ""), "create service account "+name+"; labelled pods are refused without it")
		return false
	}
	x.named = live.GetAnnotations()[workloadid.ClientIDAnnotation]
	if x.account.Identity.ClientID == "" {
		x.account.Identity.ClientID = x.named
	}
	if x.account.Identity.TenantID == "" {
		x.account.Identity.TenantID = live.GetAnnotations()[workloadid.TenantIDAnnotation]
	}
	got := name
	if name == "default" {
		got += ", which every pod shares that names none"
	}
	x.add("service account", ref.String(), passed("", got), "")
	return true
}

// annotation: it names the identity that the webhook writes into the environment.
func (x *explainer) annotation() {
	want := x.o.Identity.ClientID
	fix := "annotate " + x.account.Ref.String() + " with " + workloadid.ClientIDAnnotation + ": " + orUnknown(want, x.oldClientID())
	switch {
	case x.named == "":
		x.add("annotation", x.account.Ref.String(),
			failing("", "no "+workloadid.ClientIDAnnotation+": pods get no AZURE_CLIENT_ID, and SDKs fall back to IMDS without a word", ""), fix)
	case want != "" && !strings.EqualFold(want, x.named):
		x.add("annotation", x.account.Ref.String(), failing("", "client ID "+x.named+", which is not "+want, ""), fix)
	default:
		x.add("annotation", x.account.Ref.String(), passed("", "client ID "+x.named), "")
	}
}

func orUnknown(ids ...string) string {
	for _, id := range ids {
		if id != "" {
			return id
		}
	}
	return "CLIENT-ID"
}
