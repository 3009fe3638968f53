package render

import (
	"maps"
	"slices"
)

// Layout says what a folder holds.
type Layout string

const (
	// PerCluster is a folder per cluster, clusters/NAME. The default: trust lives and dies with the cluster, in the same module.
	PerCluster Layout = "cluster"
	// PerIdentity is a folder per identity, identities/NAME-HASH, so that one pipeline writes to one identity.
	PerIdentity Layout = "identity"
)

// folder is the entries of one folder.
type folder struct {
	path    string
	title   string // for comments
	entries []entry
}

// ClusterFolder returns the path of a cluster's folder under [PerCluster].
func ClusterFolder(cluster string) string { return "clusters/" + pathName(cluster) }

func (l Layout) folderOf(e entry) (at, title string) {
	if l == PerIdentity {
		return "identities/" + hashedName(shortName(e.identity), e.identity.Key()), "identity " + e.identity.ID()
	}
	return ClusterFolder(e.cluster.Name), "cluster " + e.cluster.Name
}

// folders divides entries by layout, sorted by path; entries keep their order.
func (l Layout) folders(entries []entry) []folder {
	found := map[string]*folder{}
	for _, e := range entries {
		at, title := l.folderOf(e)
		if found[at] == nil {
			found[at] = &folder{path: at, title: title}
		}
		found[at].entries = append(found[at].entries, e)
	}
	var out []folder
	for _, at := range slices.Sorted(maps.Keys(found)) {
		out = append(out, *found[at])
	}
	return out
}
