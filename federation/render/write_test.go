package render_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/federation/render"
)

const marked = "# Rendered by wimigrate from a federation plan.\n"

func write(t *testing.T, dir string, files render.Files, opts *render.WriteOptions) *render.Written {
	t.Helper()
	done, err := render.Write(dir, files, opts)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestWriteTouchesOnlyWhatChanged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "gitops")
	first := render.Files{"a/x.tf": []byte(marked + "1\n"), "b.sh": []byte("#!/bin/sh\n" + marked)}
	if diff := cmp.Diff(&render.Written{Changed: []string{"a/x.tf", "b.sh"}}, write(t, dir, first, nil)); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	second := render.Files{"a/x.tf": []byte(marked + "2\n"), "c.tf": []byte(marked)}
	if err := os.WriteFile(filepath.Join(dir, "notes.md"), []byte("a person's"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := &render.Written{Changed: []string{"a/x.tf", "c.tf"}, Stale: []string{"b.sh"}}
	if diff := cmp.Diff(want, write(t, dir, second, nil)); diff != "" {
		t.Errorf("second (-want +got):\n%s", diff)
	}
	want = &render.Written{Unchanged: []string{"a/x.tf", "c.tf"}, Removed: []string{"b.sh"}}
	if diff := cmp.Diff(want, write(t, dir, second, &render.WriteOptions{Prune: true})); diff != "" {
		t.Errorf("third (-want +got):\n%s", diff)
	}
	files, err := render.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/x.tf", "c.tf", "notes.md"}, files.Paths()); diff != "" {
		t.Errorf("directory (-want +got):\n%s", diff)
	}
}

func TestWriteNeverOverwritesWhatItDidNotRender(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "main.tf")
	if err := os.WriteFile(mine, []byte("# mine, which only mentions it: Rendered by somebody\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := render.Write(dir, render.Files{"main.tf": []byte(marked), "other.tf": []byte(marked)}, nil)
	foreign, ok := errors.AsType[*render.ForeignFileError](err)
	if !ok || !slices.Equal(foreign.Paths, []string{"main.tf"}) || !strings.Contains(err.Error(), "main.tf") {
		t.Fatalf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "other.tf")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("wrote other.tf before it found main.tf: %v", err)
	}
}

func TestWriteStaysInItsDirectory(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../x.tf", "/x.tf", "a/../../x.tf", "", ".", "link/x.tf"} {
		if _, err := render.Write(dir, render.Files{name: []byte(marked)}, nil); err == nil {
			t.Errorf("wrote %q", name)
		}
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) != 0 {
		t.Errorf("outside holds %v, error %v", left, err)
	}
}

func TestShuffledPlansGiveTheSameFiles(t *testing.T) {
	t.Parallel()
	cat := fleet()
	plan := planOf(t, cat, state(cat), nil)
	other := *plan
	other.Changes, other.Identities = slices.Clone(plan.Changes), slices.Clone(plan.Identities)
	slices.Reverse(other.Changes)
	slices.Reverse(other.Identities)
	turned := fleet()
	slices.Reverse(turned.Clusters)
	slices.Reverse(turned.Needs)
	for _, p := range []*federation.Plan{&other, plan} {
		for name, opts := range terraformForms() {
			a, err1 := render.Terraform(plan, cat, opts)
			b, err2 := render.Terraform(p, turned, opts)
			if diff := cmp.Diff(a, b); diff != "" || err1 != nil || err2 != nil {
				t.Errorf("terraform %s: %v %v %s", name, err1, err2, diff)
			}
		}
		a, err1 := render.Kustomize(plan, cat, nil)
		b, err2 := render.Kustomize(p, turned, nil)
		if diff := cmp.Diff(a, b); diff != "" || err1.Error() != err2.Error() {
			t.Errorf("kustomize: %v %v %s", err1, err2, diff)
		}
		for _, f := range []func(*federation.Plan) (render.Files, error){
			func(p *federation.Plan) (render.Files, error) { return render.ASO(p, cat, nil) },
			func(p *federation.Plan) (render.Files, error) { return render.Crossplane(p, cat, nil) },
			func(p *federation.Plan) (render.Files, error) { return render.Bicep(p, cat, nil) },
			func(p *federation.Plan) (render.Files, error) { return render.Script(p, cat, nil) },
		} {
			a, _ := f(plan)
			b, _ := f(p)
			if diff := cmp.Diff(a, b); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestMisCasedResourceIDsAreWrittenAsTerraformWantsThem(t *testing.T) {
	cat := fleet()
	for i := range cat.Needs {
		id := &cat.Needs[i].Identity
		id.ResourceID = strings.NewReplacer("/resourceGroups/", "/resourcegroups/", "Microsoft.ManagedIdentity", "microsoft.managedidentity").Replace(id.ResourceID)
	}
	plan := planOf(t, cat, nil, nil)
	files, err := render.Terraform(plan, cat, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range files.Paths() {
		if strings.Contains(string(files[p]), "/resourcegroups/") || strings.Contains(string(files[p]), "microsoft.managedidentity") {
			t.Errorf("%s keeps the letter case of Pod Identity", p)
		}
	}
	got, err := render.ReadTerraform(files, issuersOf(cat), nil)
	if diff := cmp.Diff(render.Wanted(plan), got); err != nil || diff != "" {
		t.Errorf("error %v, trust (-plan +files):\n%s", err, diff)
	}
}

func TestTwoContentsForOnePathAreNotMerged(t *testing.T) {
	a, b := render.Files{"x": []byte("1"), "y": []byte("1")}, render.Files{"x": []byte("2"), "y": []byte("1")}
	got, err := render.Merge(a, b)
	if err == nil || !strings.Contains(err.Error(), "two contents for x") || len(got) != 2 {
		t.Errorf("merged %v, error %v", got, err)
	}
}

func TestFoldersOfHostileClustersNeverMeet(t *testing.T) {
	seen := map[string]string{}
	for _, name := range append(slices.Clone(hostile), "aks", "AKS", "Aks", "aks.", "-aks", "a/b", "a-b", "a_b", "", strings.Repeat("a", 300), strings.Repeat("a", 301)) {
		at := render.ClusterFolder(name)
		if other, taken := seen[strings.ToLower(at)]; taken {
			t.Errorf("%q and %q share %s", name, other, at)
		}
		seen[strings.ToLower(at)] = name
		if !fs.ValidPath(at) || strings.Count(at, "/") != 1 || len(at) > 120 {
			t.Errorf("%q has folder %q", name, at)
		}
		if again := render.ClusterFolder(strings.TrimPrefix(at, "clusters/")); again == at && name != strings.TrimPrefix(at, "clusters/") {
			t.Errorf("a cluster called %q would share the folder of %q", strings.TrimPrefix(at, "clusters/"), name)
		}
	}
}
