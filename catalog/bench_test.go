package catalog_test

import (
	"bytes"
	"testing"
	"testing/fstest"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/catalog"
)

func benchJSON(b *testing.B, text []byte) []byte {
	b.Helper()
	compact, err := yaml.YAMLToJSON(text)
	if err != nil {
		b.Fatal(err)
	}
	var list unstructured.UnstructuredList
	if err := list.UnmarshalJSON(compact); err != nil {
		b.Fatal(err)
	}
	// kubectl indents by four.
	var out bytes.Buffer
	if err := jsonIndent(&out, compact); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

func readBench(b *testing.B, name string, text []byte) {
	b.SetBytes(int64(len(text)))
	fsys := fstest.MapFS{name: {Data: text}}
	for b.Loop() {
		snap, err := catalog.Files("one", fsys, nil).Read(b.Context())
		if err != nil || !snap.Cluster.Coverage.Complete || len(snap.Malformed) > 0 || len(snap.Workloads) == 0 {
			b.Fatalf("%v, %+v", err, snap.Cluster.Coverage)
		}
	}
}

// BenchmarkFiles reads a dump by Files, and beside it by the usual means: sigs.k8s.io/yaml and unstructured objects.
func BenchmarkFiles(b *testing.B) {
	text := benchDump(4000)
	json := benchJSON(b, text)
	b.Run("yaml", func(b *testing.B) { readBench(b, "dump.yaml", text) })
	b.Run("json", func(b *testing.B) { readBench(b, "dump.json", json) })
	small := benchDump(500)
	smallJSON := benchJSON(b, small)
	b.Run("alternative/yaml", func(b *testing.B) {
		b.SetBytes(int64(len(small)))
		for b.Loop() {
			compact, err := yaml.YAMLToJSON(small)
			if err != nil {
				b.Fatal(err)
			}
			decodeUnstructured(b, compact)
		}
	})
	b.Run("alternative/json", func(b *testing.B) {
		b.SetBytes(int64(len(smallJSON)))
		for b.Loop() {
			decodeUnstructured(b, smallJSON)
		}
	})
}

func decodeUnstructured(b *testing.B, text []byte) {
	var list unstructured.UnstructuredList
	if err := list.UnmarshalJSON(text); err != nil {
		b.Fatal(err)
	}
}
