package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/wimigrate/wimigrate/internal/e2e/assets"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/process"
	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// The size of the cluster that the comparison with kubectl is made on; one pod in five is labelled.
const (
	benchmarkPods        = 10_000
	benchmarkDeployments = 2_000
	benchmarkAccounts    = 2_000
	benchmarkNamespaces  = 20
)

// BenchmarkLiveCatalog reads one live cluster with this project's catalog and with kubectl, in the same run:
//
//	go test -run '^$' -bench LiveCatalog -benchtime 3x .
//
// peak-MB is the reader's highest resident memory, its own process for both.
func BenchmarkLiveCatalog(b *testing.B) {
	// No pods run and no controllers act: only what is read matters.
	f := fleet.StartFleet(b, fleet.Spec{Clusters: []fleet.ClusterSpec{{Name: "aks-eastus-01", Region: "eastus"}}, NoWebhook: true})
	c := f.Clusters[0]
	if err := c.Plane.Quiesce(); err != nil {
		b.Fatal(err)
	}
	fill(b, c)
	file := f.Dir + "/fleet.yaml"
	if err := f.WriteFleetFile(file, false); err != nil {
		b.Fatal(err)
	}
	scanner := f.Dir + "/scan"
	if err := assets.BuildLocal(b.Context(), "", "./cmd/scan", scanner); err != nil {
		b.Fatal(err)
	}
	b.Run("wimigrate", func(b *testing.B) {
		for b.Loop() {
			out := measure(b, func(ctx context.Context) *exec.Cmd {
				cmd := exec.CommandContext(ctx, scanner, file)
				cmd.Env = append(os.Environ(), "KUBECONFIG="+f.Kubeconfig())
				return cmd
			})
			if want := fmt.Sprintln(benchmarkNamespaces); out != want {
				b.Fatalf("%s needs were found, want %s", out, want)
			}
		}
	})
	b.Run("kubectl", func(b *testing.B) {
		kubectl, err := assets.Ensure(b.Context(), []assets.Program{assets.Kubectl}, &assets.Options{Progress: os.Stderr})
		if err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		for b.Loop() {
			measure(b, func(ctx context.Context) *exec.Cmd {
				return exec.CommandContext(ctx, kubectl[assets.Kubectl], "--kubeconfig", f.Kubeconfig(),
					"get", "pods,deployments,serviceaccounts", "-A", "-o", "json")
			})
		}
	})
}

// measure runs a reader to its end, reports the peak of its memory, and returns the beginning of its output.
func measure(b *testing.B, command func(context.Context) *exec.Cmd) string {
	b.Helper()
	cmd := command(b.Context())
	var stderr bytes.Buffer
	stdout := &head{}
	cmd.Stdout, cmd.Stderr = stdout, &stderr
	process.Tie(cmd)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	peak, t := 0.0, time.NewTicker(2*time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			peak = max(peak, highWater(cmd.Process.Pid))
		case err := <-done:
			if err != nil {
				b.Fatalf("%v\n%s", err, &stderr)
			}
			if peak > 0 {
				b.ReportMetric(peak, "peak-MB")
			}
			return stdout.String()
		}
	}
}

// highWater is the most memory, in MB, that a process has had resident since it began; 0 where the system does not tell. The figure that
// wait returns will not do: it counts the parent's memory in, which the child shared until it became another program.
func highWater(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	n, err := strconv.Atoi(kilobytes)
	if err != nil {
		return 0
	}
	return float64(n) * 1024 / 1e6
}

// head keeps the first bytes of what is written and drops the rest, so that reading a reader's output costs nothing.
type head struct{ strings.Builder }

func (h *head) Write(b []byte) (int, error) {
	if room := 100 - h.Len(); room > 0 {
		_, _ = h.Builder.Write(b[:min(len(b), room)])
	}
	return len(b), nil
}

// fill creates the objects as an estate of that size has them: Deployments, their ReplicaSets and the pods these own, in namespaces with a
// binding each.
func fill(b *testing.B, c *fleet.Cluster) {
	b.Helper()
	started := time.Now()
	c.MIC.Pause(true)
	var documents bytes.Buffer
	for n := range benchmarkNamespaces {
		fmt.Fprintf(&documents, `---
{apiVersion: v1, kind: Namespace, metadata: {name: ns-%[1]d}}
---
{apiVersion: %[2]s, kind: AzureIdentity, metadata: {name: id, namespace: ns-%[1]d}, spec: {type: 0, clientID: %[3]q, resourceID: %[4]q}}
---
{apiVersion: %[2]s, kind: AzureIdentityBinding, metadata: {name: id, namespace: ns-%[1]d}, spec: {azureIdentity: id, selector: team-%[1]d}}
`, n, podidentity.GroupVersion, fmt.Sprintf("00000000-0000-4000-8000-%012d", n), fmt.Sprintf("/subscriptions/x/resourceGroups/x/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-%d", n))
	}
	if err := c.Apply(b.Context(), documents.String()); err != nil {
		b.Fatal(err)
	}
	g, ctx := errgroup.WithContext(b.Context())
	g.SetLimit(32)
	for i := range benchmarkAccounts {
		g.Go(func() error {
			sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("account-%d", i), Namespace: namespaceOf(i)}}
			_, err := c.Client.CoreV1().ServiceAccounts(sa.Namespace).Create(ctx, sa, metav1.CreateOptions{})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	g, ctx = errgroup.WithContext(b.Context())
	g.SetLimit(32)
	for i := range benchmarkDeployments {
		g.Go(func() error { return deploy(ctx, c, i) })
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	b.Logf("filled the cluster in %s", time.Since(started).Round(time.Second))
}

func namespaceOf(i int) string { return fmt.Sprintf("ns-%d", i%benchmarkNamespaces) }

// deploy creates one Deployment and all that its controllers would.
func deploy(ctx context.Context, c *fleet.Cluster, i int) error {
	namespace, name := namespaceOf(i), fmt.Sprintf("web-%d", i)
	labels := map[string]string{"app": name, "team": fmt.Sprintf("team-%d", i%7), "version": "1.2.3"}
	if i/benchmarkNamespaces%5 == 0 { // all of one namespace in turn: one in five, with one need each
		labels[podidentity.Label] = fmt.Sprintf("team-%d", i%benchmarkNamespaces)
	}
	account := fmt.Sprintf("account-%d", i%benchmarkNamespaces)
	replicas := int32(benchmarkPods / benchmarkDeployments)
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{ServiceAccountName: account,
		Containers: []corev1.Container{container("app"), container("sidecar")}}}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": name}}
	d, err := c.Client.AppsV1().Deployments(namespace).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: labels},
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas, Selector: selector, Template: template}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	rs, err := c.Client.AppsV1().ReplicaSets(namespace).Create(ctx, &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Name: name + "-6d8f7c9b5d", Namespace: namespace, Labels: labels,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(d, appsv1.SchemeGroupVersion.WithKind("Deployment"))}},
		Spec: appsv1.ReplicaSetSpec{Replicas: &replicas, Selector: selector, Template: template}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	for range replicas {
		_, err := c.Client.CoreV1().Pods(namespace).Create(ctx, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{GenerateName: rs.Name + "-", Namespace: namespace, Labels: labels,
				OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(rs, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))}},
			Spec: template.Spec}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
	}
	return nil
}

func container(name string) corev1.Container {
	return corev1.Container{Name: name, Image: "registry.example/" + name + ":1.2.3", Args: []string{"--config=/etc/app/config.yaml", "--v=2"},
		Env: []corev1.EnvVar{{Name: "LOG_LEVEL", Value: "info"}, {Name: "REGION", Value: "eastus"}, {Name: "ENDPOINT", Value: "https://payments.example/v1"}}}
}
