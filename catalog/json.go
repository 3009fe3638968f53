package catalog

import (
	"encoding/json"
	"io"
)

// MarshalJSON writes the contract's names, with [] where a slice is nil.
func (c Catalog) MarshalJSON() ([]byte, error) {
	type plain Catalog
	p := plain(c)
	p.Clusters, p.Needs, p.Findings = some(p.Clusters), some(p.Needs), some(p.Findings)
	return json.Marshal(p)
}

// MarshalJSON writes [] where a slice is nil.
func (n Need) MarshalJSON() ([]byte, error) {
	type plain Need
	p := plain(n)
	p.Bindings, p.Workloads = some(p.Bindings), some(p.Workloads)
	return json.Marshal(p)
}

// MarshalJSON writes [] where a slice is nil.
func (c Coverage) MarshalJSON() ([]byte, error) {
	type plain Coverage
	p := plain(c)
	p.Gaps = some(p.Gaps)
	return json.Marshal(p)
}

func some[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// WriteJSON writes the catalog indented, the same bytes for equal catalogs. [encoding/json] reads it back.
func (c *Catalog) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(c)
}
