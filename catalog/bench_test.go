package catalog_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/catalog"
)

// benchItem is one object of a dump as clusters have them: of ten, eight are pods, one in five of them labelled, one is a Deployment,
// one a service account.
func benchItem(i int) string {
	switch i % 10 {
	case 8:
		return fmt.Sprintf(benchDeployment, i)
	case 9:
		return fmt.Sprintf("- apiVersion: v1\n  kind: ServiceAccount\n  metadata:\n    creationTimestamp: \"2024-01-01T00:00:00Z\"\n    name: sa-%[1]d\n    namespace: shop\n    resourceVersion: \"%[1]d\"\n    uid: 5c1f3e2a-0bc1-4b7e-9d0e-0123456789ab\n", i)
	}
	label := ""
	if i%5 == 0 {
		label = "      aadpodidbinding: web\n"
	}
	return fmt.Sprintf(benchPod, i, label)
}

const benchPod = `- apiVersion: v1
  kind: Pod
  metadata:
    annotations:
      checksum/config: 0c3d2b4c61e2c4f6a7f7b6f8b2d9f1a5
    creationTimestamp: "2024-01-01T00:00:00Z"
    generateName: web-7d4b9c8f6d-
    labels:
%[2]s      app: web
      pod-template-hash: 7d4b9c8f6d
    name: web-7d4b9c8f6d-%[1]d
    namespace: shop
    ownerReferences:
    - apiVersion: apps/v1
      blockOwnerDeletion: true
      controller: true
      kind: ReplicaSet
      name: web-7d4b9c8f6d
      uid: 5c1f3e2a-0bc1-4b7e-9d0e-0123456789ab
    resourceVersion: "%[1]d"
    uid: 5c1f3e2a-0bc1-4b7e-9d0e-0123456789ab
  spec:
` + benchSpec + `  status:
    conditions:
    - lastProbeTime: null
      lastTransitionTime: "2024-01-01T00:00:00Z"
      status: "True"
      type: Initialized
    - lastProbeTime: null
      lastTransitionTime: "2024-01-01T00:00:00Z"
      message: 'containers with unready status: [app], which is long enough to be
        folded by the writer of YAML'
      reason: ContainersNotReady
      status: "False"
      type: Ready
    containerStatuses:
    - containerID: containerd://0c3d2b4c61e2c4f6a7f7b6f8b2d9f1a50c3d2b4c61e2c4f6a7f7b6f8b2d9f1a5
      image: registry.example/team/web:v1.2.3
      imageID: registry.example/team/web@sha256:0c3d2b4c61e2c4f6a7f7b6f8b2d9f1a50c3d2b4c61e2c4f6a7f7b6f8b2d9f1a5
      lastState: {}
      name: app
      ready: true
      restartCount: 0
      started: true
      state:
        running:
          startedAt: "2024-01-01T00:00:00Z"
    hostIP: 10.0.0.1
    phase: Running
    podIP: 10.1.2.3
    podIPs:
    - ip: 10.1.2.3
    qosClass: Burstable
    startTime: "2024-01-01T00:00:00Z"
`

const benchSpec = `    containers:
    - args:
      - --config=/etc/web/config.yaml
      - --verbose
      command:
      - /bin/web
      env:
      - name: POD_NAME
        valueFrom:
          fieldRef:
            apiVersion: v1
            fieldPath: metadata.name
      - name: LOG_LEVEL
        value: info
      image: registry.example/team/web:v1.2.3
      imagePullPolicy: IfNotPresent
      livenessProbe:
        failureThreshold: 3
        httpGet:
          path: /healthz
          port: 8080
          scheme: HTTP
        periodSeconds: 10
        successThreshold: 1
        timeoutSeconds: 1
      name: app
      ports:
      - containerPort: 8080
        name: http
        protocol: TCP
      resources:
        limits:
          cpu: "1"
          memory: 512Mi
        requests:
          cpu: 100m
          memory: 128Mi
      terminationMessagePath: /dev/termination-log
      terminationMessagePolicy: File
      volumeMounts:
      - mountPath: /var/run/secrets/kubernetes.io/serviceaccount
        name: kube-api-access-x
        readOnly: true
    dnsPolicy: ClusterFirst
    enableServiceLinks: true
    nodeName: aks-nodepool1-12345678-vmss000000
    priority: 0
    restartPolicy: Always
    schedulerName: default-scheduler
    securityContext: {}
    serviceAccountName: web
    terminationGracePeriodSeconds: 30
    tolerations:
    - effect: NoExecute
      key: node.kubernetes.io/not-ready
      operator: Exists
      tolerationSeconds: 300
    volumes:
    - name: kube-api-access-x
      projected:
        defaultMode: 420
        sources:
        - serviceAccountToken:
            expirationSeconds: 3607
            path: token
        - configMap:
            items:
            - key: ca.crt
              path: ca.crt
            name: kube-root-ca.crt
`

var benchDeployment = `- apiVersion: apps/v1
  kind: Deployment
  metadata:
    annotations:
      deployment.kubernetes.io/revision: "1"
    generation: 1
    name: web-%[1]d
    namespace: shop
    resourceVersion: "%[1]d"
    uid: 5c1f3e2a-0bc1-4b7e-9d0e-0123456789ab
  spec:
    replicas: 2
    selector:
      matchLabels:
        app: web
    template:
      metadata:
        labels:
          app: web
      spec:
` + strings.TrimSuffix("    "+strings.ReplaceAll(benchSpec, "\n", "\n    "), "    ") + `  status:
    availableReplicas: 2
    observedGeneration: 1
    replicas: 2
`

// benchDump is a List of n objects.
func benchDump(n int) []byte {
	var b bytes.Buffer
	b.WriteString("apiVersion: v1\nitems:\n")
	for i := range n {
		b.WriteString(benchItem(i))
	}
	b.WriteString("kind: List\nmetadata:\n  resourceVersion: \"\"\n")
	return b.Bytes()
}

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

// TestMemoryIsBoundedByWhatIsKept reads a dump that is never in memory, of a size that would show if it were.
func TestMemoryIsBoundedByWhatIsKept(t *testing.T) {
	const objects = 20_000
	for _, name := range []string{"dump.yaml"} {
		t.Run(name, func(t *testing.T) {
			file := &endless{objects: objects}
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			snap, err := catalog.Files("one", file, nil).Read(t.Context())
			if err != nil || !snap.Cluster.Coverage.Complete {
				t.Fatalf("error %v, coverage %+v", err, snap.Cluster.Coverage)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			kept := int64(after.HeapAlloc) - int64(before.HeapAlloc)
			if kept > file.size/4 {
				t.Errorf("%d bytes are kept of a dump of %d", kept, file.size)
			}
			if got := len(snap.ServiceAccounts); got != objects/10 {
				t.Errorf("%d service accounts, want %d", got, objects/10)
			}
			runtime.KeepAlive(snap)
		})
	}
}

// endless is a file system of one dump that is written while it is read.
type endless struct {
	objects int
	next    int
	rest    []byte
	size    int64
}

// Open implements fs.FS.
func (e *endless) Open(name string) (fs.File, error) {
	if name != "." {
		e.rest, e.next = []byte("apiVersion: v1\nitems:\n"), 0
	}
	return &endlessFile{endless: e, name: name}, nil
}

type endlessFile struct {
	*endless
	name string
	done bool
}

// Read implements fs.File.
func (e *endlessFile) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		switch {
		case e.next < e.objects:
			e.rest = []byte(benchItem(e.next))
			e.next++
		case !e.done:
			e.rest, e.done = []byte("kind: List\n"), true
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	e.size += int64(n)
	return n, nil
}

// Close implements fs.File.
func (e *endlessFile) Close() error { return nil }

// Stat implements fs.File.
func (e *endlessFile) Stat() (fs.FileInfo, error) { return e, nil }

// ReadDir implements fs.ReadDirFile.
func (e *endlessFile) ReadDir(int) ([]fs.DirEntry, error) {
	return []fs.DirEntry{fs.FileInfoToDirEntry(&endlessFile{endless: e.endless, name: "dump.yaml"})}, nil
}

// Name implements fs.FileInfo.
func (e *endlessFile) Name() string { return e.name }

// Size implements fs.FileInfo.
func (e *endlessFile) Size() int64 { return 0 }

// Mode implements fs.FileInfo.
func (e *endlessFile) Mode() fs.FileMode {
	if e.name == "." {
		return fs.ModeDir
	}
	return 0
}

// ModTime implements fs.FileInfo.
func (e *endlessFile) ModTime() time.Time { return time.Time{} }

// IsDir implements fs.FileInfo.
func (e *endlessFile) IsDir() bool { return e.name == "." }

// Sys implements fs.FileInfo.
func (e *endlessFile) Sys() any { return nil }
