package catalog

import (
	"fmt"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// noteMove reports how far the move of a workload has come; the mildest is where a run that was interrupted goes on.
func (e *estate) noteMove(r *reporter, a *app) {
	seen := map[string]bool{}
	for _, u := range a.uses {
		f := e.moveOf(a, u)
		if f.Message == "" || seen[f.Message] {
			continue
		}
		seen[f.Message] = true
		f.Code, f.Namespace, f.Object = HalfMigrated, a.namespace, a.object()
		r.add(f)
	}
}

func (e *estate) moveOf(a *app, u *use) Finding {
	client, _ := e.movedTo(a, u)
	annotated := e.annotated(a.namespace, u.account)
	switch {
	case u.webhook != "" && !u.moved:
		return Finding{Severity: Warning,
			Message: fmt.Sprintf("the label %s is %q; the webhook wants exactly %q and passes the pod over", workloadid.UseLabel, u.webhook, workloadid.UseValue),
			Remedy:  fmt.Sprintf("set the label to %q, in quotes", workloadid.UseValue)}
	case u.moved && annotated == "" && client != "":
		return Finding{Severity: Warning,
			Message: fmt.Sprintf("service account %s has no client ID, the container's own %s stands in for it", u.account, workloadid.EnvClientID),
			Remedy:  fmt.Sprintf("annotate the service account with %s and remove the variable", workloadid.ClientIDAnnotation)}
	case u.moved && annotated == "" && e.unread.knows(readAccounts, a.namespace):
		return Finding{Severity: Error,
			Message: fmt.Sprintf("labelled for Workload Identity, but service account %s has no client ID: pods get no %s and fall back in silence",
				u.account, workloadid.EnvClientID),
			Remedy: fmt.Sprintf("annotate service account %s with %s", u.account, workloadid.ClientIDAnnotation)}
	case u.moved && annotated != "" && u.labelled:
		return Finding{Severity: Info, Message: "both labels: Pod Identity and Workload Identity are in use side by side",
			Remedy: "prove the new path under load, then remove the label aadpodidbinding"}
	case !u.moved && annotated != "" && u.labelled:
		return Finding{Severity: Info,
			Message: fmt.Sprintf("service account %s is annotated, and the pod template is not labelled yet", u.account),
			Remedy:  fmt.Sprintf("label the pod template %s: %q", workloadid.UseLabel, workloadid.UseValue)}
	}
	return Finding{}
}

// noteUnlabelled reports an annotated service account of which no pod template carries either label: the webhook passes all over.
func (e *estate) noteUnlabelled(r *reporter) {
	labelled, plain := map[key]bool{}, map[key]*app{}
	for _, a := range e.apps {
		for _, u := range a.uses {
			k := key{a.namespace, u.account}
			if u.labelled || u.webhook != "" {
				labelled[k] = true
			} else if u.excepted == nil && plain[k] == nil {
				plain[k] = a
			}
		}
	}
	for k, a := range plain {
		if labelled[k] || e.annotated(k.namespace, k.name) == "" {
			continue
		}
		r.add(Finding{Code: HalfMigrated, Severity: Warning, Namespace: k.namespace, Object: "ServiceAccount/" + k.name,
			Message: fmt.Sprintf("annotated with a client ID, but no pod template that uses it carries %s (%s, for one)", workloadid.UseLabel, a.object()),
			Remedy:  fmt.Sprintf("label the pod templates %s: %q; on anything but the template it has no effect", workloadid.UseLabel, workloadid.UseValue)})
	}
}
