package federation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// peak is the highest number of credentials that an identity has on the way: deletes come first, replaces take no slot, creates last.
func peak(have, deletes, creates int) int {
	return max(have, have-deletes+creates)
}

// maxNamed is how many parts of a split a finding names; the plan has them all.
const maxNamed = 5

// limitFinding reports an identity that needs more than Azure allows, with a way out.
func limitFinding(sum *IdentityPlan, changes []Change) catalog.Finding {
	wanted := 0
	for i := range changes {
		if changes[i].Action != Delete {
			wanted++
		}
	}
	var names []string
	for i, s := range sum.Split {
		if i == maxNamed {
			names = append(names, fmt.Sprintf("and %d more", len(sum.Split)-i))
			break
		}
		names = append(names, fmt.Sprintf("%s (%d)", s.Identity, s.Credentials))
	}
	cluster, namespace := common(changes)
	return catalog.Finding{
		Code: catalog.FederationLimit, Severity: catalog.Blocking, Cluster: cluster, Namespace: namespace, Object: objectOf(sum.Identity),
		Message: fmt.Sprintf("%s needs %d federated credentials (%d wanted by the fleet, %d of others), Azure allows %d",
			sum.ID, sum.Peak, wanted, sum.Foreign, MaxCredentials),
		Remedy: "split it, for example into " + strings.Join(names, ", ") +
			"; or prune what is dead; or use AKS identity bindings, one credential for many clusters (https://learn.microsoft.com/azure/aks/identity-bindings-concepts)",
	}
}

// common returns the cluster and the namespace that all needs of an identity have in common; empty where they have not.
func common(changes []Change) (cluster, namespace string) {
	first := true
	for i := range changes {
		c := &changes[i]
		switch {
		case c.Action == Delete:
			continue
		case first:
			cluster, namespace, first = c.Cluster, c.Namespace, false
		}
		if c.Cluster != cluster {
			cluster = ""
		}
		if c.Namespace != namespace {
			namespace = ""
		}
	}
	return cluster, namespace
}

// unaddressableFinding reports an identity that ARM cannot be asked about.
func unaddressableFinding(sum *IdentityPlan) catalog.Finding {
	return catalog.Finding{Code: catalog.CoverageGap, Severity: catalog.Warning, Object: objectOf(sum.Identity),
		Message: fmt.Sprintf("only the client ID of identity %s is known: its trust can be planned, neither read nor written", sum.ID),
		Remedy:  "give a source the resource ID, such as an AzureIdentity or ARM's list of identities"}
}

// split packs the service accounts of an identity into as few identities as hold them; the clusters of one service account stay together
// unless they are more than one identity can hold.
func split(id catalog.Identity, changes []Change) []Split {
	count := map[string]int{}
	for i := range changes {
		if c := &changes[i]; c.Action != Delete {
			count[c.Namespace+"/"+c.ServiceAccount]++
		}
	}
	accounts := make([]string, 0, len(count))
	for a := range count {
		accounts = append(accounts, a)
	}
	slices.SortFunc(accounts, func(a, b string) int {
		if count[a] != count[b] {
			return count[b] - count[a]
		}
		return strings.Compare(a, b)
	})
	var splits []Split
	for _, a := range accounts {
		splits = place(splits, a, count[a])
	}
	for i := range splits {
		splits[i].Identity = fmt.Sprintf("%s-%d", nameOf(id), i+1)
		slices.Sort(splits[i].ServiceAccounts)
	}
	return splits
}

// searched bounds how many splits are looked through for room, so that an absurd estate costs no more than a line each.
const searched = 256

// place puts a service account into the first split with room, or into new ones.
func place(splits []Split, account string, n int) []Split {
	for i := max(0, len(splits)-searched); i < len(splits); i++ {
		if splits[i].Credentials+n <= MaxCredentials {
			splits[i].Credentials += n
			splits[i].ServiceAccounts = append(splits[i].ServiceAccounts, account)
			return splits
		}
	}
	for ; n > 0; n -= MaxCredentials {
		splits = append(splits, Split{Credentials: min(n, MaxCredentials), ServiceAccounts: []string{account}})
	}
	return splits
}

// nameOf is the short name of an identity: that of its Azure resource, or its client ID.
func nameOf(id catalog.Identity) string {
	s := id.ID()
	return s[strings.LastIndexByte(s, '/')+1:]
}

// objectOf names an identity as findings do.
func objectOf(id catalog.Identity) string {
	if id.Kind == catalog.Application {
		return "Application/" + id.ClientID
	}
	return "UserAssignedIdentity/" + nameOf(id)
}
