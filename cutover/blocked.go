package cutover

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// wouldBreak are findings of severity error that would break a unit while it moves or when the old path goes.
var wouldBreak = [...]catalog.Code{
	catalog.MissingServiceAccount, catalog.ConflictingAnnotation, catalog.IdentityGone, catalog.DanglingIdentity,
	catalog.CrossNamespaceBinding, catalog.CSIPodIdentity, catalog.KEDAPodIdentity, catalog.MalformedObject,
}

// blockers returns why a unit may not move, whatever its strategy; none when it may.
func blockers(u Unit, cl catalog.Cluster, cat *catalog.Catalog, fed *federation.Plan, accept []catalog.Code) []Reason {
	var out []Reason
	out = append(out, coverageReasons(u, cl)...)
	out = append(out, accountReasons(u, cl)...)
	out = append(out, trustReasons(u, cl, fed)...)
	for _, f := range append(append([]catalog.Finding{}, cat.Findings...), fed.Findings...) {
		blocks := f.Severity == catalog.Blocking ||
			f.Severity == catalog.Error && slices.Contains(wouldBreak[:], f.Code) && !slices.Contains(accept, f.Code)
		if blocks && concerns(f, u) {
			out = append(out, Reason{Code: f.Code, Object: f.Object, Message: f.Message, Remedy: f.Remedy})
		}
	}
	return out
}

func sortedReasons(out []Reason) []Reason {
	slices.SortFunc(out, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(out)
}

// coverageReasons holds a unit while something that could bear on it was not read. An object that could not be used bears on its own
// namespace, except a binding or an identity where bindings match across namespaces.
func coverageReasons(u Unit, cl catalog.Cluster) []Reason {
	if cl.Coverage.Complete {
		return nil
	}
	across := cl.PodIdentityMode != catalog.ModeNamespaced && cl.PodIdentityMode != catalog.ModeManaged
	what := "the reads of the cluster are not known to be complete"
	if gaps := cl.Coverage.Gaps; len(gaps) > 0 {
		names := make([]string, 0, len(gaps))
		for _, g := range gaps {
			elsewhere := g.Namespace != "" && g.Namespace != u.Namespace
			if elsewhere && !(across && strings.HasPrefix(g.Resource, "AzureIdentity")) {
				continue
			}
			names = append(names, g.Resource)
		}
		if len(names) == 0 {
			return nil
		}
		slices.Sort(names)
		what = "could not read " + strings.Join(names, ", ")
	}
	return []Reason{{
		Code: IncompleteCoverage, Object: "Cluster/" + cl.Name, Message: cl.Name + ": " + what,
		Remedy: "close the gaps and scan again: what was not seen could still need the old path",
	}}
}

func accountReasons(u Unit, cl catalog.Cluster) []Reason {
	var out []Reason
	if cl.Issuer == "" {
		out = append(out, Reason{
			Code: NoIssuer, Object: "Cluster/" + cl.Name, Message: cl.Name + " has no known OIDC issuer",
			Remedy: "enable the OIDC issuer of the cluster, or give its URL to the source",
		})
	}
	for i, a := range u.Accounts {
		if a.Identity.ClientID == "" {
			out = append(out, Reason{
				Code: NoClientID, Object: a.Ref.String(), Message: fmt.Sprintf("identity %s of %s has no client ID", a.Identity.Name, a.Ref),
				Remedy: "set spec.clientID of the AzureIdentity, or let the catalog read the identities from ARM",
			})
		}
		if i > 0 && u.Accounts[i-1].Ref.Name == a.Ref.Name {
			out = append(out, Reason{
				Code: catalog.SharedServiceAccount, Object: a.Ref.String(),
				Message: fmt.Sprintf("%s stands for identities %s and %s", a.Ref, u.Accounts[i-1].Identity.Name, a.Identity.Name),
				Remedy:  "give each identity a service account of its own: Workload Identity has one client ID per service account",
			})
		}
	}
	return out
}

// trustReasons looks for a kept credential for every account of the unit; a pending or a missing one blocks.
func trustReasons(u Unit, cl catalog.Cluster, fed *federation.Plan) []Reason {
	var out []Reason
	for _, a := range u.Accounts {
		subject := workloadid.Subject(u.Namespace, a.Ref.Name)
		kept, pending := false, federation.Action("")
		for _, c := range fed.Changes {
			if !sameIdentity(c.Identity, a.Identity) || c.Credential.Subject != subject || c.Credential.Issuer != cl.Issuer {
				continue
			}
			switch c.Action {
			case federation.Keep:
				kept = true
			case federation.Create, federation.Replace:
				pending = c.Action
			case federation.Delete:
			}
		}
		if kept && pending == "" {
			continue
		}
		r := Reason{
			Code: TrustMissing, Object: a.Ref.String(), Remedy: "plan the federation for this catalog, apply it, and plan both again",
			Message: fmt.Sprintf("no federated credential on %s for %s of %s", a.Identity.Name, subject, cl.Issuer),
		}
		if pending != "" {
			r.Code, r.Remedy = TrustPending, "apply the federation plan, then plan both again"
			r.Message = fmt.Sprintf("the federated credential on %s for %s is still to %s", a.Identity.Name, subject, pending)
		}
		out = append(out, r)
	}
	return out
}

func sameIdentity(id string, want catalog.Identity) bool {
	return strings.EqualFold(id, want.ID()) || want.ClientID != "" && strings.EqualFold(id, want.ClientID)
}

// concerns reports whether a finding is about the unit. One that names no object of any unit, such as the namespace or an object of
// a kind that units do not hold, concerns every unit of its namespace; one without a namespace concerns the identities it names.
func concerns(f catalog.Finding, u Unit) bool {
	if f.Cluster != "" && f.Cluster != u.Cluster {
		return false
	}
	_, name, _ := strings.Cut(f.Object, "/")
	for _, a := range u.Accounts {
		if name != "" && (sameIdentity(name, a.Identity) || strings.EqualFold(name, a.Identity.Name)) && (f.Namespace == "" || f.Namespace == u.Namespace) {
			return true
		}
	}
	if f.Namespace != u.Namespace {
		return false
	}
	for _, r := range u.refs() {
		if r.String() == f.Object {
			return true
		}
	}
	return !unitKind(f.Object)
}

// refs lists the objects of a unit.
func (u Unit) refs() []Ref {
	var out []Ref
	for _, a := range u.Accounts {
		out = append(out, a.Ref)
	}
	for _, w := range u.Workloads {
		out = append(out, w.Ref)
		if w.Borrower != nil {
			out = append(out, *w.Borrower)
		}
	}
	return append(append(out, u.Bindings...), u.Identities...)
}

// unitKind reports whether an object is of a kind that belongs to one unit, so that a finding about it concerns no other.
func unitKind(object string) bool {
	kind, _, _ := strings.Cut(object, "/")
	switch kind {
	case "ServiceAccount", "AzureIdentity", "AzureIdentityBinding", "AzureAssignedIdentity", "Pod", "Job", "CronJob", "Deployment",
		"StatefulSet", "DaemonSet", "ReplicaSet", "Rollout", "ScaledJob", "Service", "Workflow", "CronWorkflow", "SparkApplication":
		return true
	}
	return false
}
