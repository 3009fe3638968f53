package catalog_test

import (
	"bytes"
	"fmt"
	"strings"
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
