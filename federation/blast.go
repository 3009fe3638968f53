package federation

import (
	"maps"
	"slices"
)

// Blast says what an attacker who holds one cluster could do with it: mint tokens of any service account of that cluster, and become every
// identity that trusts one of them.
type Blast struct {
	// MaxIdentities is the largest number of identities that one cluster can become.
	MaxIdentities int `json:"maxIdentities"`
	// MaxForeign is the largest number of other clusters' service accounts whose identity one cluster can become; MaxOtherRegion counts
	// those in other regions.
	MaxForeign     int            `json:"maxForeign"`
	MaxOtherRegion int            `json:"maxOtherRegion"`
	Clusters       []ClusterBlast `json:"clusters"`
}

// ClusterBlast is the same for one cluster.
type ClusterBlast struct {
	Cluster     string   `json:"cluster"`
	Region      string   `json:"region"`
	Identities  []string `json:"identities"`
	Foreign     int      `json:"foreign"`
	OtherRegion int      `json:"otherRegion"`
}

// Blast computes the blast radius of every cluster that can become anything, sorted by name.
func (t *Trust) Blast() Blast {
	users := map[string]map[string]int{} // identity → region → service accounts that use it
	own := map[string]map[string]int{}   // cluster → identity → its own service accounts
	regionOf := map[string]string{}
	for i := range t.Edges {
		e := &t.Edges[i]
		count(users, e.Identity, e.Region)
		count(own, e.Cluster, e.Identity)
		regionOf[e.Cluster] = e.Region
	}
	b := Blast{Clusters: []ClusterBlast{}}
	for _, cluster := range sortedKeys(own) {
		c := ClusterBlast{Cluster: cluster, Region: regionOf[cluster], Identities: sortedKeys(own[cluster])}
		for _, identity := range c.Identities {
			all := 0
			for _, n := range users[identity] {
				all += n
			}
			c.Foreign += all - own[cluster][identity]
			c.OtherRegion += all - users[identity][c.Region]
		}
		b.MaxIdentities = max(b.MaxIdentities, len(c.Identities))
		b.MaxForeign, b.MaxOtherRegion = max(b.MaxForeign, c.Foreign), max(b.MaxOtherRegion, c.OtherRegion)
		b.Clusters = append(b.Clusters, c)
	}
	return b
}

func count(m map[string]map[string]int, a, b string) {
	if m[a] == nil {
		m[a] = map[string]int{}
	}
	m[a][b]++
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
