package cutover

import (
	"bytes"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// RBACOptions say who gets the permissions.
type RBACOptions struct {
	// Subject is the runner's service account; default: wimigrate in namespace wimigrate.
	Subject rbacv1.Subject
	// Journal is the namespace of a [ConfigMapJournal]; default: the subject's namespace.
	Journal string
}

func (o *RBACOptions) withDefaults() RBACOptions {
	var out RBACOptions
	if o != nil {
		out = *o
	}
	if out.Subject.Kind == "" {
		out.Subject = rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: Manager, Name: Manager}
	}
	if out.Journal == "" {
		out.Journal = out.Subject.Namespace
	}
	return out
}

// RBAC returns the least that a runner needs in a cluster to run the plan there, as YAML to review and apply: a ClusterRole for what
// has no namespace, and a Role for each namespace that the plan touches, with their bindings. Preflight check PF01 asks for the
// same, for what concerns the unit; and for what a [ConfigMapJournal] needs, where the runner has one.
func (p *Plan) RBAC(cluster string, opts *RBACOptions) ([]byte, error) {
	if p.Cluster(cluster) == nil {
		return nil, fmt.Errorf("cutover: the plan has no cluster %q", cluster)
	}
	o := opts.withDefaults()
	need := journalAccess(o.Journal)
	for i := range p.Units {
		if u := &p.Units[i]; u.Cluster == cluster {
			need = append(need, accessOf(p, u)...)
		}
	}
	need = sortedAccess(need)
	var out bytes.Buffer
	for len(need) > 0 {
		ns := need[0].namespace
		n := slices.IndexFunc(need, func(a access) bool { return a.namespace != ns })
		if n < 0 {
			n = len(need)
		}
		if err := writeRole(&out, ns, rules(need[:n]), o.Subject); err != nil {
			return nil, err
		}
		need = need[n:]
	}
	return out.Bytes(), nil
}

// rules joins what concerns one resource into one rule.
func rules(need []access) []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for _, a := range need {
		if n := len(out) - 1; n >= 0 && out[n].APIGroups[0] == a.group && out[n].Resources[0] == a.full() {
			out[n].Verbs = append(out[n].Verbs, a.verb)
			continue
		}
		out = append(out, rbacv1.PolicyRule{APIGroups: []string{a.group}, Resources: []string{a.full()}, Verbs: []string{a.verb}})
	}
	return out
}

func writeRole(w *bytes.Buffer, ns string, rules []rbacv1.PolicyRule, subject rbacv1.Subject) error {
	meta := metav1.ObjectMeta{Name: Manager, Namespace: ns}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: Manager}
	role, binding := any(rbacv1.Role{TypeMeta: rbacType("Role"), ObjectMeta: meta, Rules: rules}),
		any(rbacv1.RoleBinding{TypeMeta: rbacType("RoleBinding"), ObjectMeta: meta, RoleRef: ref, Subjects: []rbacv1.Subject{subject}})
	if ns == "" {
		ref.Kind = "ClusterRole"
		role = rbacv1.ClusterRole{TypeMeta: rbacType("ClusterRole"), ObjectMeta: meta, Rules: rules}
		binding = rbacv1.ClusterRoleBinding{TypeMeta: rbacType("ClusterRoleBinding"), ObjectMeta: meta, RoleRef: ref, Subjects: []rbacv1.Subject{subject}}
	}
	for _, o := range []any{role, binding} {
		text, err := yaml.Marshal(o)
		if err != nil {
			return err
		}
		w.WriteString("---\n")
		w.Write(text)
	}
	return nil
}

func rbacType(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind}
}
