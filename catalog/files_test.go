package catalog_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/catalog"
)

const dump = `apiVersion: v1
items:
- apiVersion: aadpodidentity.k8s.io/v1
  kind: AzureIdentityBinding
  metadata:
    name: web
    namespace: shop
  spec:
    AzureIdentity: web
    selector: web
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: web
    namespace: shop
    annotations:
      argocd.argoproj.io/tracking-id: shop:apps/Deployment:shop/web
  spec:
    replicas: 2
    selector:
      matchLabels:
        app: web
    template:
      metadata:
        labels:
          aadpodidbinding: web
          app: web
      spec:
        serviceAccountName: web
        containers:
        - name: app
          env:
          - name: AZURE_CLIENT_ID
            value: 11111111-1111-1111-1111-111111111111
          - name: AZURE_CLIENT_SECRET
            value: hush
kind: List
metadata:
  resourceVersion: ""
`

func TestFilesReadsAList(t *testing.T) {
	snap, err := catalog.Files("one", fstest.MapFS{"a/dump.yaml": {Data: []byte(dump)}}, nil).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	two := int32(2)
	want := &catalog.Snapshot{
		Origin:  "files",
		Cluster: catalog.Cluster{Name: "one", Coverage: catalog.Coverage{Complete: true}},
		Bindings: []catalog.AzureIdentityBinding{{
			Meta:          catalog.Meta{APIVersion: "aadpodidentity.k8s.io/v1", Kind: "AzureIdentityBinding", Namespace: "shop", Name: "web", Origin: "file:a/dump.yaml#1.1"},
			AzureIdentity: "web", Selector: "web", MisCased: []string{"AzureIdentity"},
		}},
		Workloads: []catalog.Workload{{
			Meta: catalog.Meta{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web", Manager: "argocd:shop", Origin: "file:a/dump.yaml#1.2"},
			Template: catalog.PodTemplate{
				Labels: map[string]string{"aadpodidbinding": "web", "app": "web"}, ServiceAccount: "web",
				Env: []catalog.Env{
					{Container: "app", Name: "AZURE_CLIENT_ID", Value: "11111111-1111-1111-1111-111111111111"},
					{Container: "app", Name: "AZURE_CLIENT_SECRET"},
				},
			},
			TemplatePath: "spec.template", Replicas: &two,
		}},
	}
	if diff := cmp.Diff(want, snap); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
}
