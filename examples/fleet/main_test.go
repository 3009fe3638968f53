package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
)

// contract is the JSON that others read: names only, as they are promised.
type contract struct {
	Catalog struct {
		Clusters []struct {
			Name, Region, Issuer, PodIdentityMode string
			Coverage                              struct {
				Complete *bool
				Gaps     []struct{ Resource, Reason string }
			}
		}
		Needs []struct {
			Cluster, Namespace, ServiceAccount, Selector, State string
			Identity                                            struct{ Kind, Name, ResourceID, ClientID, TenantID string }
			Bindings                                            []string
			Workloads                                           []struct{ APIVersion, Kind, Name string }
		}
		Findings []struct{ Code, Severity, Cluster, Namespace, Object, Message, Remedy string }
	}
	Federation struct {
		Changes []struct {
			Action, Identity, Cluster, Namespace, ServiceAccount string
			Credential                                           struct{ Name, Issuer, Subject, Audience string }
		}
		Findings []struct{ Code, Severity string }
	}
	Cutover json.RawMessage
}

func bundledJSON(t *testing.T) (contract, string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-format", "json"}, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	var c contract
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	return c, out.String()
}

// TestBundledFleetShowsTheLongTail: every finding that there is occurs in the bundled fleet, so what it was given must be seen.
func TestBundledFleetShowsTheLongTail(t *testing.T) {
	c, _ := bundledJSON(t)
	if len(c.Catalog.Clusters) != 12 || len(c.Catalog.Needs) < 90 || len(c.Federation.Changes) < len(c.Catalog.Needs) {
		t.Errorf("%d clusters, %d needs, %d changes", len(c.Catalog.Clusters), len(c.Catalog.Needs), len(c.Federation.Changes))
	}
	seen := map[string]bool{}
	for _, f := range c.Catalog.Findings {
		seen[f.Code] = true
		if f.Severity == "" || f.Message == "" || f.Remedy == "" || !strings.Contains(f.Object, "/") && f.Code != "coverage-gap" {
			t.Errorf("a finding is not whole: %+v", f)
		}
	}
	for _, f := range c.Federation.Findings {
		seen[f.Code] = true
	}
	for _, rule := range catalog.Rules() {
		code := string(rule.Code)
		if !seen[code] {
			t.Errorf("no finding %s", code)
		}
	}
	i := slices.IndexFunc(c.Catalog.Needs, func(n struct {
		Cluster, Namespace, ServiceAccount, Selector, State string
		Identity                                            struct{ Kind, Name, ResourceID, ClientID, TenantID string }
		Bindings                                            []string
		Workloads                                           []struct{ APIVersion, Kind, Name string }
	}) bool {
		return n.Cluster == "aks-eastus-04" && n.Namespace == "payments" && n.ServiceAccount == "api"
	})
	if i < 0 {
		t.Fatal("payments/api of aks-eastus-04 is not a need")
	}
	n := c.Catalog.Needs[i]
	if n.Identity.Kind != "userAssigned" || !cmp.Equal(n.Bindings, []string{"payments-api"}) || n.Selector != "payments-api" ||
		n.State != "podIdentity" || len(n.Workloads) != 1 || n.Workloads[0].Kind != "Deployment" || n.Workloads[0].APIVersion != "apps/v1" {
		t.Errorf("%+v", n)
	}
}

func TestSameFleetSameBytes(t *testing.T) {
	_, first := bundledJSON(t)
	_, second := bundledJSON(t)
	if d := cmp.Diff(first, second); d != "" {
		t.Error(d)
	}
}

// oneNeed is the least that needs an identity.
const oneNeed = `apiVersion: aadpodidentity.k8s.io/v1
kind: AzureIdentity
metadata: {name: a, namespace: shop}
spec: {type: 0, clientID: 00000000-0000-0000-0000-00000000000a, resourceID: /subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a}
---
apiVersion: aadpodidentity.k8s.io/v1
kind: AzureIdentityBinding
metadata: {name: a, namespace: shop}
spec: {azureIdentity: a, selector: a}
---
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop, labels: {aadpodidbinding: a}}
spec: {containers: [{name: a}]}
`

func TestExitStatus(t *testing.T) {
	clean := fleetFile(t, "clusters:\n- name: c1\n  region: eastus\n  issuer: https://i/\n  snapshot: c1\n", map[string]string{"c1/pods.yaml": "apiVersion: v1\nkind: List\nitems: []\n"})
	unknownKey := fleetFile(t, "clusters:\n- name: c1\n  region: eastus\n  snapshots: c1\n", nil)
	missing := fleetFile(t, "clusters:\n- name: c1\n  region: eastus\n  snapshot: nowhere\n", nil)
	noIssuer := fleetFile(t, "clusters:\n- name: c1\n  region: eastus\n  snapshot: c1\n", map[string]string{"c1/all.yaml": oneNeed})
	badIssuer := fleetFile(t, "clusters:\n- name: c1\n  region: eastus\n  issuer: http://i/\n  snapshot: c1\n", map[string]string{"c1/all.yaml": oneNeed})
	for _, tc := range []struct {
		name string
		args []string
		want int
		says string // on stderr
	}{
		{"a clean fleet", []string{"-fleet", clean, "-detailed-exitcode"}, 0, ""},
		{"findings do not fail the command", nil, 0, ""},
		{"incomplete coverage outranks blocking findings", []string{"-detailed-exitcode"}, exitIncomplete, "coverage is incomplete"},
		{"needs of a cluster without an issuer are incomplete coverage", []string{"-fleet", noIssuer, "-detailed-exitcode"}, exitIncomplete, "the issuer is not known"},
		{"a finding that blocks is named", []string{"-fleet", badIssuer, "-detailed-exitcode"}, exitBlocking, "a finding blocks: malformed-object of Cluster/c1"},
		{"an unknown key is an error that names it", []string{"-fleet", unknownKey}, exitFailed, "snapshots"},
		{"a cluster without its folder is an error that names it", []string{"-fleet", missing}, exitFailed, "nowhere"},
		{"no such file", []string{"-fleet", "nowhere.yaml"}, exitFailed, "nowhere.yaml"},
		{"an unknown format", []string{"-format", "xml"}, exitUsage, "xml"},
		{"an unknown topology", []string{"-topology", "ring"}, exitUsage, "ring"},
		{"an argument too many", []string{"fleet.yaml"}, exitUsage, "fleet.yaml"},
		{"help", []string{"-help"}, 0, "-detailed-exitcode"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if got := run(t.Context(), tc.args, &out, &errs); got != tc.want || !strings.Contains(errs.String(), tc.says) {
				t.Errorf("exit %d, want %d; stderr %q, want %q in it", got, tc.want, errs.String(), tc.says)
			}
		})
	}
}

func TestEachErrorIsToldOnce(t *testing.T) {
	file := fleetFile(t, "clusters:\n- name: c1\n  region: eastus\n  snapshot: nowhere\nfederatedCredentials: gone.json\n", nil)
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-fleet", file}, &out, &errs); code != exitFailed {
		t.Errorf("exit %d", code)
	}
	for _, name := range []string{"nowhere", "gone.json"} {
		if n := strings.Count(errs.String(), name); n != 1 {
			t.Errorf("%s is told %d times:\n%s", name, n, errs.String())
		}
	}
}

func TestInterruptedScanSaysWhatItHas(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"-format", "json", "-detailed-exitcode"}, &out, &errs); code != exitIncomplete {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	var c contract
	if err := json.Unmarshal(out.Bytes(), &c); err != nil || len(c.Catalog.Clusters) != 12 || *c.Catalog.Clusters[0].Coverage.Complete {
		t.Errorf("%v: %d clusters", err, len(c.Catalog.Clusters))
	}
}

func TestOutWritesEveryFile(t *testing.T) {
	for _, topology := range []string{"keep", "per-workload", "per-cluster"} {
		t.Run(topology, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new")
			var out, errs bytes.Buffer
			if code := run(t.Context(), []string{"-out", dir, "-topology", topology, "-format", "markdown"}, &out, &errs); code != 0 {
				t.Fatalf("exit %d: %s", code, errs.String())
			}
			for _, name := range []string{"catalog.json", "federation.json", "cutover.json", "findings.md", "report.html", "gitops/terraform/clusters/aks-eastus-01/federation.tf"} {
				text, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil || len(text) == 0 {
					t.Errorf("%s: %v", name, err)
				}
				if strings.HasPrefix(name, "gitops") && bytes.Contains(text, []byte("oic.prod-aks.azure.com")) {
					t.Errorf("%s holds a pasted issuer", name)
				}
			}
		})
	}
}

func TestOutNamesTheFilesOfAnEarlierRun(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "gitops", "terraform", "clusters", "aks-gone", "federation.tf")
	if err := os.MkdirAll(filepath.Dir(old), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(old, []byte("# Rendered by wimigrate from a federation plan.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"-out", dir}, &out, &errs); code != 0 || !strings.Contains(errs.String(), "1 files of an earlier run") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	stale := filepath.Join(dir, "stale.txt")
	if text, err := os.ReadFile(stale); err != nil || string(text) != "terraform/clusters/aks-gone/federation.tf\n" {
		t.Errorf("stale.txt holds %q, error %v", text, err)
	}
	if err := os.Remove(old); err != nil {
		t.Fatal(err)
	}
	if code := run(t.Context(), []string{"-out", dir}, &out, &errs); code != 0 {
		t.Errorf("exit %d", code)
	}
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Errorf("stale.txt stays though nothing is stale: %v", err)
	}
}

// fleetFile writes a fleet.yaml and what lies beside it, and returns its path.
func fleetFile(t *testing.T, text string, beside map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"fleet.yaml": text}
	maps.Copy(files, beside)
	for name, content := range files {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "fleet.yaml")
}
