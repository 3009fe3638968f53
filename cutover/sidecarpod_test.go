package cutover_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/wimigrate/wimigrate/cutover"
)

// proxiedPod is a pod as the webhook leaves it that asked for the migration proxy: as a native sidecar, or as one more container.
func proxiedPod(native bool) *corev1.Pod {
	return injectedPod(false, func(p *corev1.Pod) {
		proxy, redirect := *p.Spec.Containers[0].DeepCopy(), *p.Spec.Containers[0].DeepCopy()
		proxy.Name, proxy.Args = "azwi-proxy", []string{"--proxy-port=8000", "--log-level=info"}
		redirect.Name = "azwi-proxy-init"
		redirect.Env = append(redirect.Env, corev1.EnvVar{Name: "PROXY_PORT", Value: "8000"})
		p.Spec.InitContainers = append(p.Spec.InitContainers, redirect)
		if native {
			always := corev1.ContainerRestartPolicyAlways
			proxy.RestartPolicy = &always
			p.Spec.InitContainers = append([]corev1.Container{proxy}, p.Spec.InitContainers...)
		} else {
			p.Spec.Containers = append([]corev1.Container{proxy}, p.Spec.Containers...)
		}
	})
}

// container finds a container of a pod by name, wherever it is.
func container(p *corev1.Pod, name string) *corev1.Container {
	for _, list := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}

func TestInjectedJudgesTheMigrationProxy(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*corev1.Pod)
		want   cutover.Result
		got    string
	}{
		{"proxy and redirect pass", func(*corev1.Pod) {}, cutover.Pass, "injected, on port 8000"},
		{"another port passes, if both name it", func(p *corev1.Pod) {
			container(p, "azwi-proxy").Args = []string{"--proxy-port=8080"}
			container(p, "azwi-proxy-init").Env[4].Value = "8080"
		}, cutover.Pass, "on port 8080"},
		{"no proxy: nobody answers", func(p *corev1.Pod) { container(p, "azwi-proxy").Name = "other" }, cutover.Fail, "there is no azwi-proxy"},
		{"no redirect: IMDS still answers", func(p *corev1.Pod) { container(p, "azwi-proxy-init").Name = "other" }, cutover.Fail, "nothing leads to the proxy"},
		{"a redirect to another port", func(p *corev1.Pod) { container(p, "azwi-proxy-init").Env[4].Value = "9000" }, cutover.Fail, "listens on port 8000, and requests are sent to port 9000"},
		{"a proxy that was skipped has no identity to exchange for", func(p *corev1.Pod) {
			p.Annotations["azure.workload.identity/skip-containers"] = "azwi-proxy"
			container(p, "azwi-proxy").Env = nil
		}, cutover.Fail, "AZURE_CLIENT_ID is missing"},
	} {
		for _, native := range []bool{true, false} {
			t.Run(tc.name, func(t *testing.T) {
				pod := proxiedPod(native)
				tc.change(pod)
				all := cutover.Injected(pod, cutover.Injection{ClientID: "abcd", TenantID: "2222", Sidecar: true})
				last := all[len(all)-1]
				if last.Check != "V1" || last.Object != "Pod/api-1 migration proxy" || last.Result != tc.want || !strings.Contains(last.Got, tc.got) {
					t.Errorf("native %v: %+v, want %s: %s", native, last, tc.want, tc.got)
				}
			})
		}
	}
	t.Run("an init container of its name ends before the application starts, and is no proxy", func(t *testing.T) {
		pod := proxiedPod(true)
		container(pod, "azwi-proxy").RestartPolicy = nil
		all := cutover.Injected(pod, cutover.Injection{ClientID: "abcd", Sidecar: true})
		if last := all[len(all)-1]; last.Result != cutover.Fail || last.Got != "there is no azwi-proxy" {
			t.Errorf("%+v", last)
		}
	})
	t.Run("a pod that need not have it is not asked", func(t *testing.T) {
		for _, e := range cutover.Injected(injectedPod(false, nil), cutover.Injection{ClientID: "abcd"}) {
			if e.Result != cutover.Pass || strings.Contains(e.Object, "proxy") {
				t.Errorf("%+v", e)
			}
		}
	})
}
