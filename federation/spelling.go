package federation

import (
	"maps"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// less picks one spelling of an identity that is written in several ways: the one that tells most, then the first by letters.
func less(a, b catalog.Identity) bool {
	known := func(i catalog.Identity) int {
		n := 0
		for _, s := range []string{i.ResourceID, i.ClientID, i.TenantID, i.Name} {
			if s != "" {
				n--
			}
		}
		return n
	}
	text := func(i catalog.Identity) string {
		return i.ResourceID + "\x00" + i.ClientID + "\x00" + i.TenantID + "\x00" + i.Name
	}
	if a.Kind != b.Kind {
		return a.Kind == catalog.Application // the other is a guess, made from a client ID alone
	}
	if known(a) != known(b) {
		return known(a) < known(b)
	}
	return text(a) < text(b)
}

// resourceByClient maps client IDs to resource IDs, for the needs that know an identity by its client ID alone.
func resourceByClient(n int, of func(int) *catalog.Identity) map[string]string {
	m := map[string]string{}
	missing := false
	for i := range n {
		missing = missing || of(i).Kind != catalog.Application && of(i).ResourceID == ""
	}
	if !missing {
		return m
	}
	for i := range n {
		id := of(i)
		if id.Kind == catalog.Application || id.ResourceID == "" || id.ClientID == "" {
			continue
		}
		client := strings.ToLower(id.ClientID)
		if old, ok := m[client]; !ok || id.ResourceID < old {
			m[client] = id.ResourceID
		}
	}
	return m
}

// lowerKeys returns the state with all keys in lower case, as the contract of State has them; what two spellings hold is joined.
func lowerKeys(have State) State {
	clean := true
	for key := range have {
		clean = clean && strings.ToLower(key) == key
	}
	if clean {
		return have
	}
	lower := make(State, len(have))
	for _, key := range slices.Sorted(maps.Keys(have)) {
		k := strings.ToLower(key)
		lower[k] = slices.Concat(lower[k], have[key])
	}
	return lower
}

// identityOfKey makes an identity of a key of a State.
func identityOfKey(key string) catalog.Identity {
	if strings.HasPrefix(key, "/") {
		return catalog.Identity{Kind: catalog.UserAssigned, Name: key[strings.LastIndexByte(key, '/')+1:], ResourceID: key}
	}
	return catalog.Identity{Kind: catalog.Application, ClientID: key}
}
