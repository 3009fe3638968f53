package catalogtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// RandomOptions size a random fleet; nil and zero fields give the defaults.
type RandomOptions struct {
	// PerRegion is the number of clusters in each of two regions: 3 when zero. Drift needs three to have a majority.
	PerRegion int
	// Namespaces is how many shapes are drawn: 40 when zero. Each fills a namespace of its own.
	Namespaces int
}

// Random builds a fleet of two regions from a seed: clean namespaces of every kind, and namespaces with one finding planted in each.
// The clusters are in all modes of Pod Identity. The same seed gives the same fleet.
func Random(seed uint64, opts *RandomOptions) *Fleet {
	perRegion, namespaces := 3, 40
	if opts != nil && opts.PerRegion > 0 {
		perRegion = opts.PerRegion
	}
	if opts != nil && opts.Namespaces > 0 {
		namespaces = opts.Namespaces
	}
	a := newAuthor(seed, []string{"eastus", "westeurope"}, perRegion, true)
	shapes := slices.Concat(cleanShapes(), cleanShapes(), plantedShapes())
	for i := range namespaces {
		a.draw(shapes[a.rng.IntN(len(shapes))], fmt.Sprintf("team-%03d", i))
	}
	return a.fleet()
}

func plantedShapes() []shape {
	return slices.Concat(pathShapes(), workloadShapes(), accountShapes(), fleetShapes())
}

// draw fills a namespace, in a cluster drawn by lot among those that fit.
func (a *author) draw(s shape, namespace string) {
	fit := slices.DeleteFunc(slices.Clone(a.clusters), func(c *Cluster) bool { return s.standard && !c.standard() })
	if len(fit) == 0 {
		return
	}
	s.fill(a, fit[a.rng.IntN(len(fit))], namespace)
}

// Shuffled returns copies of snapshots in another order, inside and out: the same facts to whoever does not mind order.
func Shuffled(snaps []*catalog.Snapshot, seed uint64) []*catalog.Snapshot {
	r := rand.New(rand.NewPCG(seed, 0x5417))
	out := slices.Clone(snaps)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	for i, s := range out {
		c := *s
		c.Identities, c.Bindings, c.Assigned = mix(r, c.Identities), mix(r, c.Bindings), mix(r, c.Assigned)
		c.Exceptions, c.Workloads, c.ServiceAccounts = mix(r, c.Exceptions), mix(r, c.Workloads), mix(r, c.ServiceAccounts)
		c.Namespaces, c.Nodes, c.Components = mix(r, c.Namespaces), mix(r, c.Nodes), mix(r, c.Components)
		c.SecretProviderClasses, c.TriggerAuthentications = mix(r, c.SecretProviderClasses), mix(r, c.TriggerAuthentications)
		c.ManagedIdentities, c.Malformed = mix(r, c.ManagedIdentities), mix(r, c.Malformed)
		c.Cluster.Coverage.Gaps = mix(r, c.Cluster.Coverage.Gaps)
		out[i] = &c
	}
	return out
}

func mix[T any](r *rand.Rand, in []T) []T {
	out := slices.Clone(in)
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// Small is the fleet of six clusters in two regions that holds every finding a catalog can have. The facts of ARM and the gap of one
// cluster are in the snapshots alone, not in [Fleet.Files].
func Small() *Fleet {
	a := newAuthor(1, []string{"eastus", "westeurope"}, 3, false)
	for i, s := range slices.Concat(cleanShapes(), plantedShapes()) {
		namespace := fmt.Sprintf("clean-%02d", i)
		if s.code != "" {
			namespace = fmt.Sprintf("%s-%02d", strings.TrimSuffix(string(s.code), "-in-cluster"), i)
		}
		s.fill(a, a.clusters[i%len(a.clusters)], namespace)
	}
	a.azure()
	return a.fleet()
}
