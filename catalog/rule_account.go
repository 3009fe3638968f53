package catalog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// accountUse is what the labelled pods of one service account use.
type accountUse struct {
	key
	// sets are the distinct sets of identities that single workloads lead to, each joined; names has one word for each.
	sets    map[string][]Identity
	clients map[string]bool
	unknown bool
	apps    []string
}

// noteAccounts reports service accounts that are the default one, shared, missing, or annotated for another identity.
func (e *estate) noteAccounts(r *reporter) {
	for _, u := range e.accountUses() {
		object := "ServiceAccount/" + u.name
		noteShared(r, u, object)
		if u.name == "default" {
			r.add(Finding{Code: DefaultServiceAccount, Namespace: u.namespace, Object: object,
				Message: fmt.Sprintf("%s run as it, as does every pod of the namespace that names no service account", list(u.apps)),
				Remedy:  "give each of them a service account of its own, and federate that"})
		}
		acc := e.accounts[u.key]
		if acc == nil {
			if u.name != "default" && e.unread.knows(readAccounts, u.namespace) {
				r.add(Finding{Code: MissingServiceAccount, Namespace: u.namespace, Object: object,
					Message: fmt.Sprintf("%s run as it, and it does not exist", list(u.apps)),
					Remedy:  "create the service account; the webhook refuses pods without one"})
			}
			continue
		}
		noteConflict(r, u, acc, object)
	}
	e.noteUnlabelled(r)
}

// accountUses groups the labelled uses by service account, sorted.
func (e *estate) accountUses() []*accountUse {
	all := map[key]*accountUse{}
	for _, a := range e.apps {
		for _, u := range a.uses {
			if !u.old() && !u.moved {
				continue
			}
			k := key{a.namespace, u.account}
			if all[k] == nil {
				all[k] = &accountUse{key: k, sets: map[string][]Identity{}, clients: map[string]bool{}}
			}
			all[k].add(a, u)
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b *accountUse) int {
		return cmp.Or(strings.Compare(a.namespace, b.namespace), strings.Compare(a.name, b.name))
	})
}

func (x *accountUse) add(a *app, u *use) {
	if n := len(x.apps); n == 0 || x.apps[n-1] != a.object() { // the uses of an app come together
		x.apps = append(x.apps, a.object())
	}
	if !u.old() {
		return
	}
	for _, id := range u.route.identities {
		x.unknown = x.unknown || id.ClientID == ""
		x.clients[fold(id.ClientID)] = true
	}
	if len(u.route.identities) > 0 {
		x.sets[u.route.keys] = u.route.identities
	}
}

func noteShared(r *reporter, u *accountUse, object string) {
	if len(u.sets) < 2 {
		return
	}
	seen := map[string]bool{}
	var names []string
	for _, k := range slices.Sorted(maps.Keys(u.sets)) {
		for _, id := range u.sets[k] {
			if !seen[id.Key()] {
				seen[id.Key()] = true
				names = append(names, cmp.Or(id.Name, id.ClientID))
			}
		}
	}
	r.add(Finding{Code: SharedServiceAccount, Namespace: u.namespace, Object: object,
		Message: fmt.Sprintf("%s share it and use different identities: %s; it can carry one client ID", list(u.apps), list(names)),
		Remedy:  fmt.Sprintf("give each identity a service account of its own, such as %s-%s", u.name, names[len(names)-1])})
}

// noteConflict compares the annotation with what the labelled pods use. Of several identities any may be the default.
func noteConflict(r *reporter, u *accountUse, acc *ServiceAccount, object string) {
	client := acc.Annotations[workloadid.ClientIDAnnotation]
	if client == "" || len(u.sets) == 0 || u.unknown || u.clients[fold(client)] {
		return
	}
	r.add(Finding{Code: ConflictingAnnotation, Namespace: u.namespace, Object: object,
		Message: fmt.Sprintf("annotated with client ID %q, while its pods use %s", clip(client), list(slices.Sorted(maps.Keys(u.clients)))),
		Remedy:  fmt.Sprintf("set %s to the client ID in use, or confirm that the change of identity is meant", workloadid.ClientIDAnnotation)})
}
