package cutover

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// access is one thing that the runner must be allowed to do.
type access struct {
	verb, group, resource, sub, namespace string
}

func (a access) String() string {
	resource := a.resource
	if a.sub != "" {
		resource += "/" + a.sub
	}
	if a.group != "" {
		resource += "." + a.group
	}
	return a.verb + " " + resource
}

// checkAccess asks the API server, by SelfSubjectAccessReview, about every verb of the unit's plan (PF01).
func checkAccess(ctx context.Context, t Target, _ PreflightOptions) []Evidence {
	var out []Evidence
	for _, a := range accessOf(t.Unit) {
		review := map[string]any{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": map[string]any{
			"resourceAttributes": map[string]any{"verb": a.verb, "group": a.group, "resource": a.resource, "subresource": a.sub, "namespace": a.namespace},
		}}
		answer, err := t.Cluster.DryRun(ctx, Write{Verb: Create, Body: mustJSON(review),
			Ref: Ref{APIVersion: "authorization.k8s.io/v1", Kind: "SelfSubjectAccessReview"}})
		switch {
		case err != nil:
			out = append(out, unclear("Namespace/"+a.namespace, fmt.Sprintf("whether we may %s is unknown: %v", a, err)))
		case !allowed(answer):
			out = append(out, failing("Namespace/"+a.namespace, "we may not "+a.String(), "the permissions that the plan's RBAC manifest grants"))
		}
	}
	return out
}

func allowed(review *unstructured.Unstructured) bool {
	return lookupTrue(review.Object, "status", "allowed")
}

// accessOf lists what a unit's steps do, sorted.
func accessOf(u *Unit) []access {
	need := []access{
		{"list", "", "pods", "", u.Namespace}, {"watch", "", "pods", "", u.Namespace}, {"create", "", "pods", "", u.Namespace},
		{"create", "", "serviceaccounts", "token", u.Namespace},
	}
	for _, s := range u.Steps {
		for _, e := range s.Edits {
			if e.Git || e.AddOn {
				continue
			}
			group, resource := resourceOf(e.Ref)
			verb := "patch"
			if e.Verb == Delete {
				verb = "delete"
			}
			need = append(need, access{"get", group, resource, "", e.Ref.Namespace}, access{verb, group, resource, "", e.Ref.Namespace})
		}
	}
	slices.SortFunc(need, func(a, b access) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.resource, b.resource), cmp.Compare(a.sub, b.sub), cmp.Compare(a.verb, b.verb), cmp.Compare(a.namespace, b.namespace))
	})
	return slices.Compact(need)
}

// resourceOf names the resource of a kind by the convention that all kinds here follow: lower case, plural.
func resourceOf(r Ref) (group, resource string) {
	group, _, found := strings.Cut(r.APIVersion, "/")
	if !found {
		group = ""
	}
	resource = strings.ToLower(r.Kind)
	switch {
	case strings.HasSuffix(resource, "s"):
		return group, resource + "es"
	case strings.HasSuffix(resource, "y"):
		return group, strings.TrimSuffix(resource, "y") + "ies"
	}
	return group, resource + "s"
}
