package catalog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// LogicalKey is what the fleet calls one use of a binding, whichever cluster it is in.
type LogicalKey struct{ Namespace, Binding, ServiceAccount string }

// holding is a logical key as one cluster holds it.
type holding struct {
	e        *estate
	binding  *AzureIdentityBinding
	identity *AzureIdentity
}

// compare joins the clusters of the fleet by logical key and reports where they disagree.
func (f *fleet) compare(n *notes, o Options) {
	f.noteRegions(n)
	byKey := map[LogicalKey][]holding{}
	for _, e := range f.estates {
		for k, h := range e.holdings(o) {
			byKey[k] = append(byKey[k], h)
		}
	}
	have := map[*estate]present{}
	for _, e := range f.estates {
		have[e] = e.present(o)
	}
	for _, k := range slices.SortedFunc(maps.Keys(byKey), compareLogical) {
		held := byKey[k]
		slices.SortFunc(held, func(a, b holding) int { return strings.Compare(a.e.cluster.Name, b.e.cluster.Name) })
		f.noteDrift(n, held)
		f.noteMissing(n, k, held, have)
	}
}

// holdings gives the logical keys that an estate uses: one for each binding that leads pods of its own namespace to an identity, and
// each of their service accounts. Where several bindings fall to one key, the first by name stands for it.
func (e *estate) holdings(o Options) map[LogicalKey]holding {
	out := map[LogicalKey]holding{}
	for _, a := range e.apps {
		for _, u := range a.uses {
			if !u.old() {
				continue
			}
			for _, m := range u.route.matches {
				k := o.LogicalKey(e.cluster, LogicalKey{m.binding.Namespace, m.binding.Name, u.account})
				if have, ok := out[k]; m.identity == nil || ok && have.binding.Name <= m.binding.Name {
					continue
				}
				out[k] = holding{e, m.binding, m.identity}
			}
		}
	}
	return out
}

// noteDrift compares the identities behind one key within each region. Clusters of unknown region are not compared.
func (f *fleet) noteDrift(n *notes, held []holding) {
	byRegion := map[string][]holding{}
	for _, h := range held {
		if r := h.e.region(); r != "" {
			byRegion[r] = append(byRegion[r], h)
		}
	}
	for region, same := range byRegion {
		right := f.majority(region, same)
		for _, h := range same {
			id := f.identityOf(h.identity)
			if id.Key() == right.Key() && (id.ClientID == "" || right.ClientID == "" || version(id) == version(right)) {
				continue
			}
			message := fmt.Sprintf("leads to %q here and to %q in %s", clip(id.ID()), clip(right.ID()), list(f.clustersWith(same, right)))
			if id.Key() == right.Key() {
				message = fmt.Sprintf("gives %q the client ID %q here and %q in %s: one of them is dead",
					clip(id.ID()), clip(id.ClientID), clip(right.ClientID), list(f.clustersWith(same, right)))
			}
			n.add(Finding{Code: IdentityDrift, Cluster: h.e.cluster.Name, Namespace: h.binding.Namespace, Object: "AzureIdentityBinding/" + h.binding.Name,
				Message: message,
				Remedy:  "decide which identity is right, and mirror it to every cluster of the region"})
		}
	}
}

// identityVersion tells an identity from the one that was made anew under its name: the resource ID is the same, the client ID is not.
type identityVersion struct{ key, client string }

func version(id Identity) identityVersion { return identityVersion{id.Key(), fold(id.ClientID)} }

// majority returns the identity that most clusters of a region use; in a tie the one that lies in the region, then the one that the
// first cluster by name uses.
func (f *fleet) majority(region string, same []holding) Identity {
	votes := map[identityVersion]int{}
	for _, h := range same {
		votes[version(f.identityOf(h.identity))] += 2
	}
	for v := range votes {
		if m, ok := f.existing.byResource[v.key]; ok && normalRegion(m.Location) == region {
			votes[v]++
		}
	}
	var best Identity
	for _, h := range same {
		if id := f.identityOf(h.identity); best.Kind == "" || votes[version(id)] > votes[version(best)] {
			best = id
		}
	}
	return best
}

func (f *fleet) clustersWith(same []holding, id Identity) []string {
	var out []string
	for _, h := range same {
		if version(f.identityOf(h.identity)) == version(id) {
			out = append(out, h.e.cluster.Name)
		}
	}
	return out
}

// noteRegions reports identities that lie in another region than the cluster that uses them.
func (f *fleet) noteRegions(n *notes) {
	for _, e := range f.estates {
		if e.region() == "" {
			continue
		}
		for _, need := range e.needed {
			where := normalRegion(f.existing.byResource[need.Identity.Key()].Location)
			if where == "" || where == e.region() {
				continue
			}
			n.add(Finding{Code: CrossRegionIdentity, Cluster: e.cluster.Name, Namespace: need.Namespace, Object: identityObject(need),
				Message: fmt.Sprintf("service account %s uses identity %q of %s from a cluster in %s: the regions are no longer isolated",
					need.ServiceAccount, clip(need.Identity.ID()), where, e.region())})
		}
	}
}

// identityObject names the AzureIdentity of a need, or where there is none the service account.
func identityObject(n Need) string {
	if len(n.Bindings) > 0 {
		return "AzureIdentity/" + n.Identity.Name
	}
	return "ServiceAccount/" + n.ServiceAccount
}

func compareLogical(a, b LogicalKey) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Binding, b.Binding), strings.Compare(a.ServiceAccount, b.ServiceAccount))
}
