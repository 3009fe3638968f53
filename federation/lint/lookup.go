package lint

import "github.com/wimigrate/wimigrate/catalog"

// lookup finds the cluster that an issuer belongs to.
type lookup struct {
	given    bool
	complete bool
	clusters map[string]*catalog.Cluster // by normal issuer
}

func newLookup(cat *catalog.Catalog) lookup {
	if cat == nil {
		return lookup{}
	}
	l := lookup{given: true, complete: true, clusters: make(map[string]*catalog.Cluster, len(cat.Clusters))}
	for i := range cat.Clusters {
		c := &cat.Clusters[i]
		if c.Issuer == "" {
			l.complete = false
			continue
		}
		if key := normal(c.Issuer); l.clusters[key] == nil {
			l.clusters[key] = c
		}
	}
	return l
}

// find returns the cluster whose issuer the text spells, and how the text differs from it; nil for none.
func (l lookup) find(text string) (*catalog.Cluster, string) {
	c := l.clusters[normal(text)]
	if c == nil {
		return nil, ""
	}
	got := exact(text)
	switch {
	case got == c.Issuer:
		return c, ""
	case got+"/" == c.Issuer:
		return c, "without the slash at its end"
	case got == c.Issuer+"/":
		return c, "with a slash too many at its end"
	case lowerASCII(got) == lowerASCII(c.Issuer):
		return c, "in other letter case"
	}
	return c, "in another spelling"
}
