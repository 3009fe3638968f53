package cutover

import (
	"context"
	"fmt"
)

// checkAccess asks the API server, by SelfSubjectAccessReview, about everything that the unit's plan and the runner's journal
// do (PF01).
func checkAccess(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	var out []Evidence
	for _, a := range sortedAccess(append(accessOf(t.Plan, t.Unit), journalAccess(t.journal)...)) {
		review := map[string]any{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": map[string]any{
			"resourceAttributes": map[string]any{"verb": a.verb, "group": a.group, "resource": a.resource, "subresource": a.sub, "namespace": a.namespace},
		}}
		answer, err := t.Cluster.DryRun(ctx, Write{Verb: Create, Body: mustJSON(review),
			Ref: Ref{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectAccessReview"}})
		switch {
		case err != nil:
			out = append(out, unclear(a.place(), fmt.Sprintf("whether we may %s is unknown: %v", a, err)))
		case !lookupTrue(answer.Object, "status", "allowed"):
			out = append(out, failing(a.place(), "we may not "+a.String(), "the permissions that the plan's RBAC manifest grants"))
		}
	}
	return out
}
