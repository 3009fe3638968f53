package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/e2e/assets"
	"github.com/wimigrate/wimigrate/internal/e2e/controlplane"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// A plan runs as the Kubernetes Job that the example has a manifest for: as its own service account, which may do what the plan's manifest
// says, with a workload identity of its own for ARM. When its pod is killed in the middle, the next one brings the unit to its end.
func TestAPlanRunsAsAJobAndGoesOnWhenItsPodIsKilled(t *testing.T) {
	inTurn(t, long)
	f := commonFleet(t)
	c := f.Clusters[0]
	r := newResident(f, c, "Deployment", "jobbed", 2, 200*time.Millisecond)
	r.Node = c.Nodes.Names()[0] // the load gate wants new pods on as many nodes as there are for it, which one scale-out cannot promise
	if err := c.AwaitNMI(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.deploy(t)
	awaitResidents(t, []resident{r})
	o := newOperator(t, f, r.Namespace)
	p := o.plansByNamespace(t, cutover.PlanOptions{Soak: 3 * time.Second, Limits: cutover.Limits{InducePods: 10}})[r.Namespace]
	submit(t, o, p)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the journal: %v", recordOf(t, c, p.Units[0].ID))
		}
	})

	killed := awaitPod(t, c, "the unit to be on both paths", func(*corev1.Pod) bool { return stateOf(t, c, p.Units[0].ID) == string(cutover.DualPath) })
	if err := c.Kubelet.Kill(killed.UID, "cutover"); err != nil {
		t.Fatal(err)
	}
	next := awaitPod(t, c, "another pod", func(pod *corev1.Pod) bool { return pod.UID != killed.UID })
	var job *batchv1.Job
	fleet.Await(t, "the Job's end", func() (bool, error) {
		var err error
		job, err = c.Client.BatchV1().Jobs("wimigrate").Get(t.Context(), "cutover", metav1.GetOptions{})
		return err == nil && slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
			return c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed
		}), err
	})
	if job.Status.Succeeded != 1 || job.Status.Failed != 1 {
		t.Errorf("the Job's status is %+v\n%s", job.Status, logOf(t, f, next))
	}
	if s := stateOf(t, c, p.Units[0].ID); s != string(cutover.Done) {
		t.Errorf("the unit is %s, want it done", s)
	}
	noBindings(t, []resident{r})
	if s := summarise(reportsOf(f, []resident{r})); s.failed > 0 || s.wrong > 0 || s.broken != "" || s.taken == 0 {
		t.Errorf("tokens: %+v", s)
	}
	for _, pod := range []*corev1.Pod{killed, next} {
		if log := logOf(t, f, pod); len(log) == 0 || bytes.Contains(log, []byte("eyJ")) {
			t.Errorf("its log is empty or has a token in it: %s", log)
		}
	}
}

// submit applies what an operator of the example applies: its manifest, filled in for this cluster, the plan's own manifest, and the plan.
func submit(t *testing.T, o *operator, p *cutover.Plan) {
	t.Helper()
	c := o.f.Clusters[0]
	id := o.f.Identity("rg-wimigrate", "id-wimigrate")
	if err := o.store.Put(t.Context(), id, federation.Credential{Name: federation.CredentialName("", c.Name, "wimigrate", "wimigrate"),
		Issuer: c.Issuer(), Subject: workloadid.Subject("wimigrate", "wimigrate"), Audience: workloadid.Audience}); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(o.f.Dir, "cutover")
	if err := assets.Local(t.Context(), "github.com/wimigrate/wimigrate/examples/cutover", program, &assets.Options{ModuleDir: "../.."}); err != nil {
		t.Fatal(err)
	}
	c.Kubelet.Provide("wimigrate-cutover:latest", program)
	text, err := os.ReadFile("../../examples/cutover/manifests/job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	manifest := string(text)
	for old, filled := range map[string]string{
		"00000000-0000-0000-0000-000000000000": id.ClientID,
		"https://kubernetes.default.svc":       c.REST().Host,
		"-approve]":                            fmt.Sprintf("-approve, -arm, %q, -window, 2s]", o.f.Azure.ARMURL),
		"      labels:\n        azure.":        fmt.Sprintf("      annotations: {%s: 1h}\n      labels:\n        azure.", controlplane.RunsForAnnotation),
	} {
		if strings.Count(manifest, old) != 1 {
			t.Fatalf("the manifest has %q %d times", old, strings.Count(manifest, old))
		}
		manifest = strings.ReplaceAll(manifest, old, filled)
	}
	granted, err := p.RBAC(c.Name, nil)
	if err != nil {
		t.Fatal(err)
	}
	var plan bytes.Buffer
	if err := p.Encode(&plan); err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(t.Context(), manifest+"---\n"+string(granted)); err != nil {
		t.Fatal(err)
	}
	files := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "cutover-plan"}, Data: map[string]string{"cutover.json": plan.String(),
		"fleet.yaml": fmt.Sprintf("clusters: [{name: %s, region: %s, context: this-cluster}]\n", c.Name, c.Region)}}
	if _, err := c.Client.CoreV1().ConfigMaps("wimigrate").Create(t.Context(), files, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// awaitPod waits for a pod of the Job that is as it should be.
func awaitPod(t *testing.T, c *fleet.Cluster, what string, is func(*corev1.Pod) bool) *corev1.Pod {
	t.Helper()
	var found *corev1.Pod
	fleet.Await(t, what, func() (bool, error) {
		pods, err := c.Client.CoreV1().Pods("wimigrate").List(t.Context(), metav1.ListOptions{LabelSelector: batchv1.JobNameLabel + "=cutover"})
		if err != nil {
			return false, err
		}
		for i := range pods.Items {
			if pod := &pods.Items[i]; is(pod) {
				found = pod
			}
		}
		return found != nil, nil
	})
	return found
}

// stateOf is what kubectl shows of a unit's state in the journal.
func stateOf(t *testing.T, c *fleet.Cluster, unit string) string {
	t.Helper()
	return recordOf(t, c, unit)["state"]
}

func recordOf(t *testing.T, c *fleet.Cluster, unit string) map[string]string {
	t.Helper()
	records, err := c.Client.CoreV1().ConfigMaps("wimigrate").List(context.WithoutCancel(t.Context()), metav1.ListOptions{LabelSelector: "wimigrate.github.io/journal=record"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records.Items {
		if r.Data["unit"] == unit {
			return r.Data
		}
	}
	return nil
}

// logOf is what a pod of the Job has printed.
func logOf(t *testing.T, f *fleet.Fleet, pod *corev1.Pod) []byte {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(f.Dir, "*", pod.Name+".cutover.log"))
	if err != nil || len(found) != 1 {
		t.Fatalf("logs of %s: %v %v", pod.Name, found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return text
}
