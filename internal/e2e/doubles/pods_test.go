package doubles_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/internal/e2e/app"
	"github.com/wimigrate/wimigrate/internal/e2e/fleet"
	"github.com/wimigrate/wimigrate/internal/e2e/kubelet"
)

// podsLive needs a fleet whose NMI is still to come.
func podsLive(t *testing.T, f *fleet.Fleet) {
	t.Cleanup(func() { f.Clusters[0].NMI.SetDelay(0) }) // nodes that come later have theirs at once
	for _, c := range []struct {
		name string
		run  func(*testing.T, *fleet.Fleet)
	}{
		{"an init container has its token at the very start and ends before the application begins", initFirst},
		{"an application that only knows IMDS lives on its sidecar, without any binding", sidecarAlone},
		{"an init container of the application's still reaches NMI, the application its sidecar", sidecarAndNMI},
		{"the sidecar answers what the real one answers", sidecarContract},
		{"a container that exits is started again, later each time, and its pod says so", crash},
		{"a container that was killed comes back and is ready again", killed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, f)
		})
	}
}

// initFirst deploys before NMI answers, the hardest moment for an init container.
func initFirst(t *testing.T, f *fleet.Fleet) {
	a := app.App{Namespace: "first", Name: "first", Identity: f.Identity("rg", "id-first"), Replicas: 4, OnPodIdentity: true, InitContainer: true, Period: period}
	deploy(t, f, a)
	apps := awaitTokens(t, f.Clusters[0], a.Namespace, 4, 5)
	inits := map[string]kubelet.PodReport{}
	for _, r := range reports(f.Clusters[0], a.Namespace) {
		if r.Init {
			inits[r.Pod] = r
		}
	}
	for _, r := range apps {
		before, ok := inits[r.Pod]
		switch {
		case !ok || before.Taken != 1 || before.Failed+before.Wrong > 0 || before.Identities[a.Identity.ClientID] != 1:
			t.Errorf("the init container of %s: %+v, want one token of %s", r.Pod, before, a.Identity.ClientID)
		case before.Finished.IsZero() || r.Started.Before(before.Finished):
			t.Errorf("%s started at %s, before its init container ended at %s", r.Pod, r.Started, before.Finished)
		}
	}
}

// crashing is a pod whose application gives up at its start: the webhook injects everything but the client ID, which nobody annotated.
const crashing = `
{apiVersion: v1, kind: Namespace, metadata: {name: crashing}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: crashing, namespace: crashing}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: crashing, namespace: crashing}
spec:
  selector: {matchLabels: {app: crashing}}
  template:
    metadata: {labels: {app: crashing, azure.workload.identity/use: "true"}}
    spec:
      serviceAccountName: crashing
      containers: [{name: app, image: "wimigrate.test/workload:1", env: [{name: WORKLOAD_CREDENTIAL, value: azidentity}]}]
`

func crash(t *testing.T, f *fleet.Fleet) {
	c := f.Clusters[0]
	if err := c.Apply(t.Context(), crashing); err != nil {
		t.Fatal(err)
	}
	var pod corev1.Pod
	fleet.Await(t, "two restarts, and a third pause", func() (bool, error) {
		pods, err := c.Client.CoreV1().Pods("crashing").List(t.Context(), metav1.ListOptions{})
		if err != nil || len(pods.Items) != 1 || len(pods.Items[0].Status.ContainerStatuses) != 1 {
			return false, err
		}
		pod = pods.Items[0]
		s := pod.Status.ContainerStatuses[0]
		return s.RestartCount >= 2 && s.State.Waiting != nil, nil
	})
	s := pod.Status.ContainerStatuses[0]
	last := s.LastTerminationState.Terminated
	if last == nil || last.ExitCode != 1 || last.Reason != "Error" || s.State.Waiting.Reason != "CrashLoopBackOff" || s.Ready || isReady(&pod) {
		t.Errorf("the pod's status hides the crash: %+v", pod.Status)
	}
	if r := reports(c, "crashing"); len(r) != 1 || r[0].Restarts < 2 || !strings.Contains(r[0].Broken, "client ID") {
		t.Errorf("got %+v, want a report that counts the restarts and tells the reason", r)
	}
	deployment, err := c.Client.AppsV1().Deployments("crashing").Get(t.Context(), "crashing", metav1.GetOptions{})
	if err != nil || deployment.Status.UnavailableReplicas > 1 {
		t.Errorf("%+v: %v", deployment.Status, err)
	}

	// The cutover's check of a pod's birth sees it.
	account := cutover.Account{Ref: cutover.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: "crashing", Name: "crashing"},
		Identity: catalog.Identity{ClientID: "any"}}
	target := cutover.Target{Unit: &cutover.Unit{Namespace: "crashing", Accounts: []cutover.Account{account}}}
	born := false
	for _, e := range cutover.JudgePod(t.Context(), target, cutover.Workload{ServiceAccount: "crashing"}, &pod) {
		born = born || e.Check == "V2" && e.Result == cutover.Fail && strings.Contains(e.Got, "exit code 1")
	}
	if !born {
		t.Error("V2 does not fail on a pod that crashes in its first minute")
	}
}

func killed(t *testing.T, f *fleet.Fleet) {
	c := f.Clusters[0]
	a := app.App{Namespace: "killed", Name: "killed", Identity: f.Identity("rg", "id-killed"), Replicas: 1, OnWorkloadIdentity: true, Period: period}
	deploy(t, f, a)
	before := awaitTokens(t, c, a.Namespace, 1, 5)[0]
	if err := c.Kubelet.Kill(before.UID, before.Container); err != nil {
		t.Fatal(err)
	}
	fleet.Await(t, "the next process to take tokens, its pod ready", func() (bool, error) {
		pod, err := c.Client.CoreV1().Pods(a.Namespace).Get(t.Context(), before.Pod, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		s := pod.Status.ContainerStatuses[0]
		last := s.LastTerminationState.Terminated
		now := reports(c, a.Namespace)[0]
		return s.RestartCount == 1 && last != nil && last.ExitCode == 137 && isReady(pod) && now.Restarts == 1 && now.Taken > before.Taken+3, nil
	})
}

func isReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
