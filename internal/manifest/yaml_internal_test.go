package manifest

import (
	"errors"
	"fmt"
	"io"
	"math/rand"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// reading is all that can be seen of a document.
type reading struct {
	Objects  []string
	Fields   []any
	Problems []Problem
	Error    error
}

func (r *reading) handler() Handler {
	return Handler{
		Object: func(o *Object) {
			r.Objects = append(r.Objects, fmt.Sprintf("%s %s %s %v", o.APIVersion, o.Kind, o.Origin(), o.MayContain([]byte("aadpodidbinding"))))
			for _, name := range []string{"metadata", "spec", "status", "data"} {
				for _, skip := range []func(string) bool{nil, func(k string) bool { return k == "skipped" || k == "managedFields" || k == "a" }} {
					v, err := o.Field(name, skip)
					r.Fields = append(r.Fields, v)
					if err != nil {
						r.Problems = append(r.Problems, Problem{Field: name, Reason: err.Error()})
					}
				}
			}
		},
		Problem: func(p Problem) { r.Problems = append(r.Problems, p) },
	}
}

// both reads a document with both parsers. fast is false where the block parser left it to the other.
func both(text []byte) (block, real reading, fast bool) {
	node, err := parseNode(text)
	d := &yamlDocument{text: text, document: 1, h: real.handler()}
	if err != nil {
		d.problem(0, err)
	} else {
		real.Error = d.nodes(node, 0, listHeader{}, 0)
	}
	if !plainText(text) {
		return block, real, false
	}
	p := &blockParser{text: text}
	if !p.advance() || p.at < 0 || p.indent != 0 || p.dash() {
		return block, real, false
	}
	top, ok := lookOver(p, 0)
	if !ok || p.at >= 0 {
		return block, real, false
	}
	d = &yamlDocument{text: text, document: 1, h: block.handler()}
	block.Error = d.block(top)
	return block, real, true
}

// sameReading compares what two parsers saw. The real parser never rules a mark out.
func sameReading(block, real reading) string {
	for i := range block.Objects {
		block.Objects[i] = strings.TrimSuffix(strings.TrimSuffix(block.Objects[i], "true"), "false")
	}
	for i := range real.Objects {
		real.Objects[i] = strings.TrimSuffix(real.Objects[i], "true")
	}
	if errors.Is(block.Error, io.ErrUnexpectedEOF) && errors.Is(real.Error, io.ErrUnexpectedEOF) {
		block.Error, real.Error = nil, nil
	}
	return cmp.Diff(real, block)
}

var yamlSeeds = []string{
	"apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  labels:\n    aadpodidbinding: web\n    on: x\nspec:\n  containers:\n  - args:\n    - -c\n    - --flag=1\n    - 'it''s'\n    name: app\n",
	"apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: a\n- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: b\nkind: List\nmetadata:\n  resourceVersion: \"\"\n",
	"apiVersion: v1\nkind: List\nitems:\n  - kind: Pod\n    apiVersion: v1\n    spec: {}\n  - kind: Pod\n    apiVersion: v1\n    status: []\n",
	"apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    one\n      two\n\n    three\n  b: |-\n    x\n  c: |+\n    y\n\n  d: >\n    folded\n    text\n",
	"apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    long: \"a\\u0061 \\\n      \\ joined\"\n    other: 'folded\n      text'\n    plain: one\n      two three\nspec:\n  skipped:\n    a: 1\n    b: [1, 2]\n",
	"apiVersion: v1\nkind: Pod\nspec:\n  n: 1\n  o: 010\n  f: 1.5\n  d: 2001-01-01\n  u: 1234567e-12ab-4cde-8f00-000000000000\n  i: 10.0.0.1\n  t: yes\n  z: ~\n  e:\n  s: \"\"\n",
	"apiVersion: v1\nkind: Pod\nmetadata:\n  managedFields:\n  - fieldsV1:\n      f:metadata:\n        .: {}\n        k:{\"type\":\"Ready\"}:\n          .: {}\n    manager: x\n",
	"apiVersion: v1\nkind: Pod\nmetadata: &a\n  name: x\nspec: *a\n",
	"apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: \"Po\n- d\"\n- a\nkind: List\n",
	"a: \"x\n--- b\"\n",
	"apiVersion: v1\nkind: Pod\nspec:\n- - a\n  - b\n- c: d\n  e:\n  - f\n",
}

func FuzzBlockParser(f *testing.F) {
	for _, seed := range yamlSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(string(text), "\n---") || strings.HasPrefix(string(text), "---") || strings.Contains(string(text), "\n...") || strings.HasPrefix(string(text), "...") {
			return // the stream cuts there
		}
		block, real, fast := both(text)
		if fast {
			if diff := sameReading(block, real); diff != "" {
				t.Errorf("%q\n(-real +block):\n%s", text, diff)
			}
		}
	})
}

// TestBlockParserReadsWhatKubectlWrites checks the two parsers against each other on random objects full of odd text, as the library that kubectl uses
// writes them, and that the fast one is the one at work.
func TestBlockParserReadsWhatKubectlWrites(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	accepted := 0
	for range 500 {
		text, err := yaml.Marshal(map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": randomValue(r, 0), "spec": randomValue(r, 0), "status": randomValue(r, 0)})
		if err != nil {
			t.Fatal(err)
		}
		block, real, fast := both(text)
		if !fast {
			continue
		}
		accepted++
		if diff := sameReading(block, real); diff != "" {
			t.Fatalf("%s\n(-real +block):\n%s", text, diff)
		}
	}
	if accepted < 100 {
		t.Errorf("the block parser took %d of 500 documents", accepted)
	}
}

func randomValue(r *rand.Rand, depth int) any {
	switch n := r.Intn(10); {
	case depth < 5 && n < 4:
		m := map[string]any{}
		for range r.Intn(5) {
			m[randomWord(r)] = randomValue(r, depth+1)
		}
		return m
	case depth < 5 && n < 6:
		l := []any{}
		for range r.Intn(4) {
			l = append(l, randomValue(r, depth+1))
		}
		return l
	case n == 6:
		return r.Intn(100000)
	case n == 7:
		return r.Intn(2) == 0
	}
	return randomText(r)
}

func randomWord(r *rand.Rand) string {
	words := []string{"name", "app.kubernetes.io/name", "on", "1", "f:metadata", "skipped", "a", "x-y", "managedFields", "123abc", "true", `k:{"a":"b"}`, "."}
	return words[r.Intn(len(words))]
}

func randomText(r *rand.Rand) string {
	words := []string{
		"web", "", "-", "--flag", "-c", "a: b", "a #b", "# c", "'", `"`, `\`, "\n", "line one\nline two\n", "  indented\n  twice", "trailing ", " leading",
		"1", "1.5", "0x1f", "1e5", "2001-01-01", "10.0.0.1", "true", "yes", "null", "~", "{}", "[a]", "*", "&a", "!x", "@", "key:", "- item", "---", "\t",
		"5c1f3e2a-0bc1-4b7e-9d0e-0123456789ab", "12345678-0bc1-4b7e-9d0e-0123456789ab", "aadpodidbinding", "…",
	}
	out := words[r.Intn(len(words))]
	for range r.Intn(3) * r.Intn(12) {
		out += " " + words[r.Intn(len(words))]
	}
	return out
}
