package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing/fstest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	"k8s.io/client-go/rest"

	"github.com/wimigrate/wimigrate/catalog"
)

func ExampleFiles() {
	fsys := fstest.MapFS{
		"bindings.yaml": {Data: []byte(dump)}, // as kubectl get azureidentitybindings,deployments -A -o yaml writes it
		"cut.json":      {Data: []byte(`{"apiVersion": "v1", "items": [`)},
	}
	snap, err := catalog.Files("aks-eastus-01", fsys, nil).Read(context.Background())
	fmt.Println(len(snap.Bindings), "binding,", len(snap.Workloads), "workload, error", err)
	for _, g := range snap.Cluster.Coverage.Gaps {
		fmt.Println(g.Resource, g.Reason)
	}
	// Output:
	// 1 binding, 1 workload, error <nil>
	// file:cut.json is truncated: it ends in the middle of an object
}

func ExampleDir() {
	_, err := catalog.Dir("aks-eastus-01", "testdata/nowhere", nil).Read(context.Background())
	fmt.Println(err)
	// Output:
	// catalog: cluster "aks-eastus-01": snapshot folder: open testdata/nowhere: no such file or directory
}

func ExampleScan() {
	sources := []catalog.Source{
		catalog.Files("aks-eastus-01", fstest.MapFS{"dump.yaml": {Data: []byte(dump)}}, nil),
		catalog.Dir("aks-westeurope-01", "testdata/nowhere", nil),
	}
	cat, err := catalog.Scan(context.Background(), sources, nil)
	for _, c := range cat.Clusters {
		fmt.Println(c.Name, "complete:", c.Coverage.Complete)
	}
	fmt.Println(err)
	// Output:
	// aks-eastus-01 complete: true
	// aks-westeurope-01 complete: false
	// catalog: cluster "aks-westeurope-01": snapshot folder: open testdata/nowhere: no such file or directory
}

func ExampleReadAll() {
	source := catalog.Files("aks-eastus-01", fstest.MapFS{"dump.yaml": {Data: []byte(dump)}}, nil)
	snaps, err := catalog.ReadAll(context.Background(), []catalog.Source{source}, &catalog.ScanOptions{
		OnProgress: func(p catalog.Progress) { fmt.Printf("%s: %d of %d done\n", p.Cluster, p.Finished, p.Total) },
	})
	fmt.Println(len(snaps), err)
	// Output:
	// aks-eastus-01: 0 of 1 done
	// aks-eastus-01: 1 of 1 done
	// 1 <nil>
}

func ExampleWriteSnapshot() {
	snap, err := catalog.Files("aks-eastus-01", fstest.MapFS{"dump.yaml": {Data: []byte(dump)}}, nil).Read(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	if err := catalog.WriteSnapshot(&file, snap); err != nil {
		fmt.Println(err)
		return
	}
	again, err := catalog.ReadSnapshot(&file)
	fmt.Println(again.Cluster.Name, len(again.Workloads), err)
	// Output:
	// aks-eastus-01 1 <nil>
}

func ExampleReadSnapshot() {
	_, err := catalog.ReadSnapshot(bytes.NewBufferString(`{"wimigrateSnapshot": 9, "snapshot": {}}`))
	fmt.Println(err)
	// Output:
	// catalog: not a saved snapshot that this version can read: it has schema 9 and this version knows 1; use the version that wrote it, or a later one
}

func ExampleJoin() {
	inside := catalog.Saved(&catalog.Snapshot{Cluster: catalog.Cluster{Name: "aks-eastus-01", UID: "7f5a", Coverage: catalog.Coverage{Complete: true}}})
	arm := catalog.Saved(&catalog.Snapshot{Cluster: catalog.Cluster{Name: "aks-eastus-01", Region: "eastus", Coverage: catalog.Coverage{Complete: true}}})
	snap, err := catalog.Join(inside, arm).Read(context.Background())
	fmt.Println(snap.Cluster.UID, snap.Cluster.Region, err)
	// Output:
	// 7f5a eastus <nil>
}

func ExampleSaved() {
	source := catalog.Saved(&catalog.Snapshot{Cluster: catalog.Cluster{Name: "aks-eastus-01"}})
	fmt.Println(source.ClusterName())
	// Output:
	// aks-eastus-01
}

// exampleFleet lays out a fleet of one cluster in a folder of its own.
func exampleFleet() (file string, remove func()) {
	dir, err := os.MkdirTemp("", "fleet")
	if err != nil {
		panic(err)
	}
	for name, text := range map[string]string{
		"fleet.yaml": "clusters:\n- name: aks-eastus-01\n  region: eastus\n  snapshot: aks-eastus-01\n- name: aks-eastus-02\n  snapshot: ../elsewhere\nfederatedCredentials: fics.json\n",
		"fics.json":  "[]\n", "aks-eastus-01/dump.yaml": dump,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			panic(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			panic(err)
		}
	}
	return filepath.Join(dir, "fleet.yaml"), func() { _ = os.RemoveAll(dir) }
}

func ExampleLoadFleet() {
	file, remove := exampleFleet()
	defer remove()
	fleet, err := catalog.LoadFleet(file)
	fmt.Println(len(fleet.Clusters), fleet.Cloud)
	if wrong, ok := errors.AsType[*catalog.FleetError](err); ok {
		fmt.Printf("line %d: %s: %s\n", wrong.Line, wrong.Field, wrong.Reason)
	}
	// Output:
	// 2 AzurePublic
	// line 5: clusters[1].snapshot: "../elsewhere" leaves the folder of the fleet file; use a path beside it, without ..
}

func ExampleFleet_Sources() {
	file, remove := exampleFleet()
	defer remove()
	fleet, _ := catalog.LoadFleet(file) // the cluster that is wrong is a source that says so
	snaps, _ := catalog.ReadAll(context.Background(), fleet.Sources(nil), nil)
	for _, s := range snaps {
		fmt.Println(s.Cluster.Name, s.Cluster.Coverage.Complete)
	}
	// Output:
	// aks-eastus-01 true
	// aks-eastus-02 false
}

func ExampleFleet_ReadFederatedCredentials() {
	file, remove := exampleFleet()
	defer remove()
	fleet, _ := catalog.LoadFleet(file) // as above
	text, err := fleet.ReadFederatedCredentials()
	fmt.Printf("%q %v\n", text, err)
	// Output:
	// "[]\n" <nil>
}

func ExampleLive() {
	answers := map[string]string{ // what an API server with nothing but Pod Identity's bindings would say
		"/api":                           `{"kind":"APIVersions","versions":[]}`,
		"/apis":                          `{"kind":"APIGroupList","groups":[{"name":"aadpodidentity.k8s.io","versions":[{"groupVersion":"aadpodidentity.k8s.io/v1","version":"v1"}],"preferredVersion":{"groupVersion":"aadpodidentity.k8s.io/v1","version":"v1"}}]}`,
		"/apis/aadpodidentity.k8s.io/v1": `{"kind":"APIResourceList","groupVersion":"aadpodidentity.k8s.io/v1","resources":[{"name":"azureidentitybindings","kind":"AzureIdentityBinding","namespaced":true,"verbs":["list"]}]}`,
		"/apis/aadpodidentity.k8s.io/v1/azureidentitybindings": `{"kind":"AzureIdentityBindingList","apiVersion":"aadpodidentity.k8s.io/v1","metadata":{},"items":[{"metadata":{"name":"web","namespace":"shop"},"spec":{"azureIdentity":"web","selector":"web"}}]}`,
		"/.well-known/openid-configuration":                    `{"issuer":"https://eastus.oic.prod-aks.azure.com/t/g/"}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, answers[r.URL.Path])
	}))
	defer server.Close()

	snap, err := catalog.Live("aks-eastus-01", &rest.Config{Host: server.URL}, nil).Read(context.Background())
	fmt.Println(snap.Cluster.Issuer, len(snap.Bindings), snap.Cluster.Coverage.Complete, err)
	// Output:
	// https://eastus.oic.prod-aks.azure.com/t/g/ 1 true <nil>
}

func ExampleWatch() {
	kube := fake.NewClientset(labelledPod("web-1"))
	kube.Resources = []*metav1.APIResourceList{{GroupVersion: "v1", APIResources: []metav1.APIResource{{Name: "pods", Kind: "Pod", Verbs: metav1.Verbs{"list"}}}}}
	clients := &catalog.WatchClients{
		Kubernetes: kube,
		Dynamic:    dynamicfake.NewSimpleDynamicClient(runtime.NewScheme()),
		Metadata:   metadatafake.NewSimpleMetadataClient(metadatafake.NewTestScheme()),
	}
	ctx, cancel := context.WithCancel(context.Background())
	err := catalog.Watch(ctx, "aks-eastus-01", clients, func(s *catalog.Snapshot, changes []catalog.Change) {
		fmt.Println(len(s.Workloads), "workload,", len(changes), "changes since")
		cancel() // one report is enough here
	}, nil)
	fmt.Println(err)
	// Output:
	// 1 workload, 0 changes since
	// catalog: cluster "aks-eastus-01": context canceled
}

func ExampleNewWatchClients() {
	clients, err := catalog.NewWatchClients(&rest.Config{Host: "https://127.0.0.1:6443"}) // nothing is read yet
	fmt.Println(clients != nil, err)
	// Output:
	// true <nil>
}
