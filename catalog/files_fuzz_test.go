package catalog_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/wimigrate/wimigrate/catalog"
)

// FuzzFiles reads anything under each name that a dump may have. Whatever it is, there is a snapshot and no error, what is kept can be
// shown, and a file that is not whole is not complete.
func FuzzFiles(f *testing.F) {
	f.Add([]byte(dump))
	f.Add([]byte(good))
	f.Add([]byte(`{"apiVersion":"v1","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"aadpodidbinding":"\u0077eb"}},"spec":{"containers":[{"name":"c","env":[{"name":"AZURE_CLIENT_ID","value":"x"}]}]}}],"kind":"List"}`))
	f.Add([]byte("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {generateName: x-}\nspec: {templates: [{container: {}}]}\n"))
	f.Add([]byte("apiVersion: v1\nkind: PodList\nitems:\n- metadata: &a {name: x}\n- metadata: *a\n"))
	f.Add(zipped(dump))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, name := range []string{"dump.yaml", "dump.json", "dump.yaml.gz"} {
			snap, err := catalog.Files("one", fstest.MapFS{name: {Data: text}}, nil).Read(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if len(text) == 0 && snap.Cluster.Coverage.Complete {
				t.Errorf("%s is empty and counts as read", name)
			}
			for _, b := range snap.Bindings {
				if b.Name == "" || strings.ContainsAny(b.Name+b.Namespace+b.Selector+b.AzureIdentity, "\x00\n\x1b\u202e") {
					t.Errorf("%s: %+v", name, b)
				}
			}
			for _, m := range snap.Malformed {
				if m.Origin == "" || m.Reason == "" || strings.ContainsAny(m.Object+m.Namespace+m.Field+m.Reason, "\x00\n\x1b\u202e") {
					t.Errorf("%s: %+v", name, m)
				}
			}
		}
	})
}
