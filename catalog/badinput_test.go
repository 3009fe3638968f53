package catalog_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wimigrate/wimigrate/catalog"
)

// good is an object that must come through whatever lies beside it.
const good = `
apiVersion: aadpodidentity.k8s.io/v1
kind: AzureIdentityBinding
metadata:
  name: good
  namespace: shop
spec:
  azureIdentity: web
  selector: web
`

func identity(metadata, spec string) string {
	return "apiVersion: aadpodidentity.k8s.io/v1\nkind: AzureIdentity\nmetadata: " + metadata + "\nspec: " + spec + "\n"
}

func zipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // to memory
	_ = w.Close()
	return b.Bytes()
}

func readFiles(t *testing.T, files map[string]string) *catalog.Snapshot {
	t.Helper()
	fsys := fstest.MapFS{"zz-good.yaml": {Data: []byte(good)}}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	snap, err := catalog.Files("one", fsys, nil).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(snap.Bindings, func(b catalog.AzureIdentityBinding) bool { return b.Name == "good" }) {
		t.Errorf("the rest did not go on: %+v", snap.Bindings)
	}
	return snap
}

func TestAnObjectThatCannotBeUsedIsNamedAndTheRestGoesOn(t *testing.T) {
	bomb := "a: &a [" + strings.Repeat("x,", 50) + "]\n"
	for i := 'b'; i < 'j'; i++ {
		bomb += string(i) + ": &" + string(i) + " [" + strings.Repeat("*"+string(i-1)+",", 50) + "]\n"
	}
	tests := map[string]struct {
		text string
		want catalog.Malformed
	}{
		"a number where a string should be": {identity("{name: x, namespace: shop}", "{clientID: 7}"),
			catalog.Malformed{Object: "AzureIdentity/x", Namespace: "shop", Field: "spec.clientID", Reason: "is a number where a string should be"}},
		"a string where a number should be": {identity("{name: x, namespace: shop}", "{type: '0'}"),
			catalog.Malformed{Object: "AzureIdentity/x", Namespace: "shop", Field: "spec.type", Reason: "is a string where a whole number should be"}},
		"a plain yes is a boolean to kubectl": {identity("{name: x, namespace: shop, labels: {a: yes}}", "{}"),
			catalog.Malformed{Object: "AzureIdentity/x", Namespace: "shop", Field: "metadata.labels.a", Reason: "is a boolean where a string should be"}},
		"no spec": {"apiVersion: aadpodidentity.k8s.io/v1\nkind: AzureIdentity\nmetadata: {name: x, namespace: shop}\n",
			catalog.Malformed{Object: "AzureIdentity/x", Namespace: "shop", Field: "spec", Reason: "is missing"}},
		"a name that climbs out of its folder": {identity(`{name: "../x"}`, "{}"),
			catalog.Malformed{Object: "AzureIdentity/../x", Field: "metadata.name", Reason: `"../x" is no Kubernetes name (lower-case letters, digits, - and ., at most 253)`}},
		"a name of 254 characters": {identity("{name: "+strings.Repeat("x", 254)+"}", "{}"),
			catalog.Malformed{Object: "AzureIdentity/" + strings.Repeat("x", 106) + "…", Field: "metadata.name"}},
		"a control character": {identity(`{name: "x\u0007"}`, "{}"),
			catalog.Malformed{Object: "AzureIdentity/", Field: "metadata.name", Reason: "holds the character U+0007, which has no place there (and 1 more)"}},
		"a character that turns the text": {identity("{name: x}", `{clientID: "a\u202eb"}`),
			catalog.Malformed{Object: "AzureIdentity/x", Field: "spec.clientID", Reason: "holds the character U+202E, which has no place there"}},
		"a key twice": {"apiVersion: aadpodidentity.k8s.io/v1\nkind: AzureIdentity\nmetadata:\n  name: x\nspec:\n  clientID: a\n  clientID: b\n",
			catalog.Malformed{Object: "AzureIdentity/x", Field: "spec.clientID", Reason: "line 7: key appears twice"}},
		"a label value that no pod can carry": {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {template: {metadata: {labels: {aadpodidbinding: 'a b'}}}}\n",
			catalog.Malformed{Object: "Deployment/x", Field: "spec.template.metadata.labels.aadpodidbinding", Reason: `"a b" is no label value (letters, digits, -, _ and ., at most 63)`}},
		"a YAML bomb": {"apiVersion: aadpodidentity.k8s.io/v1\nkind: AzureIdentity\nmetadata: {name: x}\n" + bomb + "spec: *i\n",
			catalog.Malformed{Object: "AzureIdentity/x", Reason: "document grows beyond 1048576 nodes or 64 MiB by its aliases"}},
		"an anchor within itself": {"apiVersion: aadpodidentity.k8s.io/v1\nkind: AzureIdentity\nmetadata: {name: x}\nspec: &a {clientID: *a}\n",
			catalog.Malformed{Object: "AzureIdentity/x", Field: "spec.clientID.clientID"}},
		"a broken document that has lost its apiVersion": {"kind: Deployment\n  bad: [\n", catalog.Malformed{Reason: "line 2: mapping values are not allowed in this context"}},
		"what is no YAML": {"apiVersion: v1\n\tkind: x\n", catalog.Malformed{Reason: "line 2: found a tab character that violates indentation"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			snap := readFiles(t, map[string]string{"a/bad.yaml": good + "---\n" + tt.text})
			if len(snap.Malformed) != 1 {
				t.Fatalf("malformed: %+v", snap.Malformed)
			}
			got := snap.Malformed[0]
			if got.Origin != "file:a/bad.yaml#2" || got.Object != tt.want.Object || got.Namespace != tt.want.Namespace ||
				tt.want.Field != "" && got.Field != tt.want.Field || !strings.Contains(got.Reason, tt.want.Reason) {
				t.Errorf("got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestAFileThatIsNotWholeIsAGap(t *testing.T) {
	list := `{"apiVersion": "v1", "items": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}], "kind": "List"}`
	for name, tt := range map[string]struct{ file, text, want string }{
		"truncated JSON":           {"a.json", list[:60], "is truncated: it ends in the middle of an object"},
		"JSON cut behind its item": {"a.json", list[:len(list)-10], "is truncated: it ends in the middle of an object"},
		"a YAML List without end":  {"a.yaml", strings.TrimSuffix(dump, "kind: List\nmetadata:\n  resourceVersion: \"\"\n"), "is truncated: it ends in the middle of an object"},
		"binary under a text name": {"a.yaml", "apiVersion: v1\x00\x01", "is binary, not text in UTF-8"},
		"bytes that are no UTF-8":  {"a.yaml", "k\xc3: \xb0\xf8\n", "is binary, not text in UTF-8"},
		"UTF-16":                   {"a.yaml", "\xff\xfea\x00", "is UTF-16, not UTF-8; in PowerShell write it with | Out-File -Encoding utf8"},
		"a truncated gzip file":    {"a.yaml.gz", string(zipped(dump)[:100]), "is truncated: it ends in the middle of an object"},
		"no gzip file":             {"a.yaml.gz", dump, "is no gzip file: is corrupt: gzip: invalid header"},
		"an empty file":            {"a.json", "", "is empty: did the command that wrote it fail"},
		"broken JSON of ours":      {"a.json", `{"apiVersion": "v1" "kind"}`, `not JSON: '"' behind the value of "apiVersion"`},
	} {
		t.Run(name, func(t *testing.T) {
			snap := readFiles(t, map[string]string{tt.file: tt.text})
			want := catalog.Coverage{Gaps: []catalog.Gap{{Resource: "file:" + tt.file, Reason: tt.want}}}
			if diff := cmp.Diff(want, snap.Cluster.Coverage); diff != "" {
				t.Errorf("coverage (-want +got):\n%s", diff)
			}
		})
	}
}

// A file whose apiVersion went with what is broken is still no file of somebody else.
func TestABrokenFileThatHasAKindIsNotPassedOver(t *testing.T) {
	for name, text := range map[string]string{
		"a.yaml": "kind: Deployment\n  bad: [\n", "b.yaml": "- kind: Pod\n\tx: y\n", "c.json": "{\n  \"kind\": \"Pod\" \"metadata\"}",
	} {
		t.Run(name, func(t *testing.T) {
			cat, err := catalog.Scan(t.Context(), []catalog.Source{catalog.Files("one", fstest.MapFS{name: {Data: []byte(text)}, "good.yaml": {Data: []byte(good)}}, nil)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if gaps := cat.Clusters[0].Coverage.Gaps; len(gaps) != 1 || !strings.HasPrefix(gaps[0].Resource, "file:"+name) {
				t.Errorf("gaps %+v", gaps)
			}
		})
	}
}

func TestWhatIsWrongWithAnObjectDoesNotDependOnTheOrderOfItsKeys(t *testing.T) {
	labels := map[string]string{}
	for range 40 {
		snap := readFiles(t, map[string]string{"a.yaml": identity("{name: x, labels: {a: 1, b: 2, c: 3, d: 4, e: 5, f: 6}}", "{}")})
		labels[snap.Malformed[0].Field+": "+snap.Malformed[0].Reason] = ""
	}
	want := map[string]string{"metadata.labels.a: is a number where a string should be (and 5 more)": ""}
	if diff := cmp.Diff(want, labels); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoneOfOursIsPassedOver(t *testing.T) {
	snap := readFiles(t, map[string]string{
		".git/objects/x.yaml":    "\x00",
		"README.md":              "apiVersion: nonsense",
		"kustomization.yaml":     "resources:\n- a.yaml\n",
		"chart/Chart.yaml":       "apiVersion: v2\nname: web\n",
		"chart/values.yaml":      "# only values\nreplicas: 2\n",
		"broken.yaml":            "of any kind:: [\n  - {\n",
		"comments.yaml":          "# nothing\n---\n# here\n",
		"package.json":           `{"name": "x"}`,
		"tsconfig.json":          "{\n // a comment\n}",
		"list.json":              `{"name": [1, 2, {"items": []}]}`,
		"null.yaml":              "null\n---\n- a\n---\ntext\n",
		"secret/configmaps.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '../x'}\ndata: {a: aadpodidbinding}\n",
	})
	if len(snap.Malformed) > 0 || !snap.Cluster.Coverage.Complete {
		t.Errorf("malformed %+v, coverage %+v", snap.Malformed, snap.Cluster.Coverage)
	}
}

func TestATemplateIsReportedOncePerFile(t *testing.T) {
	text := "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\n{{- if .Values.x }}\n  labels: {}\n{{- end }}\n"
	snap := readFiles(t, map[string]string{"chart/templates/a.yaml": text + "---\n" + text, "chart/templates/b.yaml": text})
	if len(snap.Malformed) != 2 || !strings.Contains(snap.Malformed[0].Reason, "render it first") {
		t.Errorf("malformed %+v", snap.Malformed)
	}
}

func TestEveryEncodingOfADumpReadsTheSame(t *testing.T) {
	separate := ""
	for _, item := range strings.Split(strings.TrimSuffix(dump, "kind: List\nmetadata:\n  resourceVersion: \"\"\n"), "\n- ")[1:] {
		separate += "---\n" + strings.ReplaceAll("  "+strings.TrimSuffix(item, "\n")+"\n", "\n  ", "\n")[2:]
	}
	want := readFiles(t, map[string]string{"dump.yaml": dump})
	for name, file := range map[string]map[string]string{
		"JSON":                         {"dump.json": asJSON(t, dump)},
		"JSON under a YAML name":       {"dump.yaml": asJSON(t, dump)},
		"gzip":                         {"dump.yaml.gz": string(zipped(dump))},
		"a byte order mark":            {"dump.yaml": "\xef\xbb\xbf" + dump},
		"carriage returns":             {"dump.yaml": strings.ReplaceAll(dump, "\n", "\r\n")},
		"one document for each object": {"dump.yaml": separate},
		"a comment in the list":        {"dump.yaml": strings.Replace(dump, "- apiVersion", "# a comment\n- apiVersion", 1)},
		"indented items":               {"dump.yaml": indented(dump)},
	} {
		t.Run(name, func(t *testing.T) {
			got := readFiles(t, file)
			ignore := cmpopts.IgnoreFields(catalog.Meta{}, "Origin")
			if diff := cmp.Diff(want, got, ignore); diff != "" {
				t.Errorf("snapshot (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNothingOutsideAFolderIsRead(t *testing.T) {
	base := t.TempDir()
	outside := filepath.Join(base, "outside.yaml")
	root := filepath.Join(base, "root")
	for path, text := range map[string]string{outside: dump, filepath.Join(root, "in", "good.yaml"): good} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"escape.yaml": "../outside.yaml", "absolute.yaml": outside, "loop.yaml": "loop.yaml", "in/up": "..", "again.yaml": "in/good.yaml", "gone.yaml": "nowhere.yaml",
	} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	snap, err := catalog.Dir("one", root, nil).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var gaps []string
	for _, g := range snap.Cluster.Coverage.Gaps {
		gaps = append(gaps, g.Resource)
	}
	if diff := cmp.Diff([]string{"file:absolute.yaml", "file:escape.yaml", "file:gone.yaml", "file:loop.yaml"}, gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s\n%+v", diff, snap.Cluster.Coverage.Gaps)
	}
	if len(snap.Bindings) != 1 || snap.Bindings[0].Name != "good" {
		t.Errorf("bindings %+v", snap.Bindings)
	}
}

func TestAStoppedReadSaysWhatItHas(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	snap, err := catalog.Files("one", fstest.MapFS{"a.yaml": {Data: []byte(good)}}, nil).Read(ctx)
	if err == nil || snap == nil || snap.Cluster.Coverage.Complete {
		t.Errorf("snapshot %+v, error %v", snap, err)
	}
}
