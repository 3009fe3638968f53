package catalog

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fleetParser reads a fleet file from YAML nodes, which know their lines, and collects all that is wrong.
type fleetParser struct {
	file  string
	fleet *Fleet
	errs  []error
	// credentials is the line of federatedCredentials.
	credentials int
}

func (p *fleetParser) fail(line int, field, format string, args ...any) {
	p.errs = append(p.errs, p.wrong(line, field, format, args...))
}

func (p *fleetParser) wrong(line int, field, format string, args ...any) *FleetError {
	return &FleetError{File: p.file, Line: line, Field: field, Reason: fmt.Sprintf(format, args...)}
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

func (p *fleetParser) parse(text []byte) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		m := yamlLine.FindStringSubmatch(err.Error())
		line := 0
		_, _ = fmt.Sscan(m[1], &line)
		p.fail(line, "", "is not YAML: %s", shown(err.Error()[len(m[0]):]))
		return
	}
	if doc.Kind == 0 {
		p.fail(0, "", "is empty; it needs at least clusters")
		return
	}
	top := doc.Content[0]
	p.fleet.Cloud = AzurePublic
	p.mapping(top, "", map[string]func(*yaml.Node, string){
		"cloud":    p.cloud,
		"clusters": p.clusters,
		"federatedCredentials": func(n *yaml.Node, field string) {
			p.credentials = n.Line
			p.text(&p.fleet.FederatedCredentials)(n, field)
		},
	})
	if top.Kind == yaml.MappingNode && len(p.errs) == 0 && len(p.fleet.Clusters) == 0 {
		p.fail(top.Line, "clusters", "is missing or empty; list the clusters of the fleet")
	}
}

// mapping hands each value to the reader of its key.
func (p *fleetParser) mapping(n *yaml.Node, field string, keys map[string]func(*yaml.Node, string)) {
	if n.Kind != yaml.MappingNode {
		p.fail(n.Line, field, "is no mapping; write key: value")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		at := strings.TrimPrefix(field+"."+shown(k.Value), ".")
		read, known := keys[k.Value]
		switch {
		case !known:
			p.fail(k.Line, at, "is not a key of a fleet file here; the keys are %s", strings.Join(sortedNames(keys), ", "))
		case seen[k.Value]:
			p.fail(k.Line, at, "appears twice; keep one")
		case v.Kind == yaml.AliasNode:
			p.fail(v.Line, at, "is an alias; write the value out")
		default:
			read(v, at)
		}
		seen[k.Value] = true
	}
}

func sortedNames(keys map[string]func(*yaml.Node, string)) []string {
	var names []string
	for k := range keys {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

// text reads a string.
func (p *fleetParser) text(out *string) func(*yaml.Node, string) {
	return func(n *yaml.Node, field string) {
		if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
			p.fail(n.Line, field, "is no string; put it in quotes")
			return
		}
		if r, bad := unprintable(n.Value); bad {
			p.fail(n.Line, field, "holds the character %U; remove it", r)
			return
		}
		*out = n.Value
	}
}

func (p *fleetParser) cloud(n *yaml.Node, field string) {
	p.text(&p.fleet.Cloud)(n, field)
	switch p.fleet.Cloud {
	case AzurePublic, AzureUSGovernment, AzureChina:
	default:
		p.fail(n.Line, field, "%q is no cloud; use %s, %s or %s", shown(p.fleet.Cloud), AzurePublic, AzureUSGovernment, AzureChina)
	}
}

func (p *fleetParser) clusters(n *yaml.Node, field string) {
	if n.Kind != yaml.SequenceNode {
		p.fail(n.Line, field, "is no list; begin each cluster with a dash")
		return
	}
	for i, item := range n.Content {
		c := FleetCluster{line: item.Line}
		p.mapping(item, fmt.Sprintf("%s[%d]", field, i), map[string]func(*yaml.Node, string){
			"name": p.text(&c.Name), "region": p.text(&c.Region), "resourceID": p.text(&c.ResourceID),
			"issuer": p.text(&c.Issuer), "snapshot": p.text(&c.Snapshot), "context": p.text(&c.Context),
		})
		if item.Kind == yaml.MappingNode {
			p.fleet.Clusters = append(p.fleet.Clusters, c)
		}
	}
}

// check looks at what the clusters say together, and at the folders they name. A cluster without a name is left out; two of one name
// both stay, for [Reconcile] to trust neither.
func (p *fleetParser) check(fsys fs.FS) {
	lines := map[string]int{}
	var named []FleetCluster
	for i, c := range p.fleet.Clusters {
		field := fmt.Sprintf("clusters[%d]", i)
		first, twice := lines[c.Name]
		if c.Name == "" {
			p.fail(c.line, field+".name", "is missing; every cluster needs a name")
			continue
		}
		if twice {
			p.fail(c.line, field+".name", "%q is the name of the cluster in line %d too; rename one of them", shown(c.Name), first)
		}
		lines[c.Name] = c.line
		switch {
		case c.Snapshot == "" && c.Context == "":
			c.refused = p.wrong(c.line, field, "says neither snapshot nor context; name the folder or the kubeconfig context to read")
		case c.Snapshot != "" && c.Context != "":
			p.fail(c.line, field, "says both snapshot and context; the snapshot is read, remove one of them")
			c.saved, c.refused = p.beside(fsys, c.line, field+".snapshot", c.Snapshot)
		case c.Snapshot != "":
			c.saved, c.refused = p.beside(fsys, c.line, field+".snapshot", c.Snapshot)
		}
		if c.refused != nil {
			p.errs = append(p.errs, c.refused)
		}
		named = append(named, c)
	}
	p.fleet.Clusters = named
	if p.fleet.FederatedCredentials != "" {
		if _, p.fleet.noCredentials = p.beside(fsys, p.credentials, "federatedCredentials", p.fleet.FederatedCredentials); p.fleet.noCredentials != nil {
			p.errs = append(p.errs, p.fleet.noCredentials)
		}
	}
}

// beside checks that a path stays in the fleet file's folder and is there. It returns whether it is a file, or what is wrong with it.
func (p *fleetParser) beside(fsys fs.FS, line int, field, name string) (file bool, wrong *FleetError) {
	clean := path.Clean(name)
	if path.IsAbs(name) || strings.Contains(name, `\`) || !fs.ValidPath(clean) {
		return false, p.wrong(line, field, "%q leaves the folder of the fleet file; use a path beside it, without ..", shown(name))
	}
	info, err := fs.Stat(fsys, clean)
	if err != nil {
		return false, p.wrong(line, field, "%q: %s; paths are relative to the fleet file", shown(name), reasonOf(err))
	}
	return !info.IsDir(), nil
}
