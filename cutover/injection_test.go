package cutover_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/wimigrate/wimigrate/cutover"
)

// injectedPod is a pod as the webhook leaves it, in the layout of v1.6.0 or, with old, of the releases before.
func injectedPod(old bool, change func(*corev1.Pod)) *corev1.Pod {
	volume, mount, file := "azure-workload-identity-reserved-1f3870be", "/var/run/secrets/azure/wi", "token/azure-identity-token"
	if old {
		volume, mount, file = "azure-identity-token", "/var/run/secrets/azure/tokens", "azure-identity-token"
	}
	container := func(name string) corev1.Container {
		return corev1.Container{Name: name,
			Env: []corev1.EnvVar{
				{Name: "AZURE_CLIENT_ID", Value: "abcd"}, {Name: "AZURE_TENANT_ID", Value: "2222"},
				{Name: "AZURE_FEDERATED_TOKEN_FILE", Value: mount + "/" + file}, {Name: "AZURE_AUTHORITY_HOST", Value: "https://login.microsoftonline.com/"},
			},
			VolumeMounts: []corev1.VolumeMount{{Name: volume, MountPath: mount}},
		}
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "api-1", Annotations: map[string]string{}}, Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{container("migrate")}, Containers: []corev1.Container{container("app")},
		Volumes: []corev1.Volume{{Name: volume, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
			Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: file, Audience: "api://AzureADTokenExchange"}}},
		}}}},
	}}
	if change != nil {
		change(pod)
	}
	return pod
}

func TestInjectedJudgesEveryContainer(t *testing.T) {
	app := func(p *corev1.Pod) *corev1.Container { return &p.Spec.Containers[0] }
	for _, tc := range []struct {
		name   string
		change func(*corev1.Pod)
		want   cutover.Result
		got    string // of the evidence that is not Pass
	}{
		{"a pod as the webhook leaves it passes", nil, cutover.Pass, ""},
		{"a hard-coded client ID wins over the webhook's, and fails", func(p *corev1.Pod) { app(p).Env[0].Value = "9999" }, cutover.Fail, "AZURE_CLIENT_ID is 9999"},
		{"letter case of a GUID means nothing", func(p *corev1.Pod) { app(p).Env[0].Value = "ABcd" }, cutover.Pass, ""},
		{"no client ID: the service account has no annotation", func(p *corev1.Pod) { app(p).Env = app(p).Env[1:] }, cutover.Fail, "AZURE_CLIENT_ID is missing"},
		{"another tenant fails", func(p *corev1.Pod) { app(p).Env[1].Value = "3333" }, cutover.Fail, "AZURE_TENANT_ID is 3333"},
		{"an empty authority fails", func(p *corev1.Pod) { app(p).Env[3].Value = "" }, cutover.Fail, "AZURE_AUTHORITY_HOST is empty"},
		{"a value from elsewhere cannot be judged and does not pass", func(p *corev1.Pod) {
			app(p).Env[0] = corev1.EnvVar{Name: "AZURE_CLIENT_ID", ValueFrom: &corev1.EnvVarSource{}}
		}, cutover.Fail, "valueFrom"},
		{"the last of two variables of one name counts", func(p *corev1.Pod) {
			app(p).Env = append(app(p).Env, corev1.EnvVar{Name: "AZURE_CLIENT_ID", Value: "8888"})
		}, cutover.Fail, "AZURE_CLIENT_ID is 8888"},
		{"no mount: the file is not there", func(p *corev1.Pod) { app(p).VolumeMounts = nil }, cutover.Fail, "no token of audience"},
		{"a token of another audience fails", func(p *corev1.Pod) {
			p.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken.Audience = "api://AKSIdentityBinding"
		}, cutover.Fail, "no token of audience"},
		{"an init container without injection fails", func(p *corev1.Pod) { p.Spec.InitContainers[0].Env = nil }, cutover.Fail, "AZURE_CLIENT_ID is missing"},
		{"a skipped container is not judged", func(p *corev1.Pod) {
			p.Annotations["azure.workload.identity/skip-containers"] = "migrate ; other"
			p.Spec.InitContainers[0].Env = nil
		}, cutover.Pass, ""},
		{"a pod with every container skipped is inconclusive", func(p *corev1.Pod) {
			p.Annotations["azure.workload.identity/skip-containers"] = "migrate;app"
		}, cutover.Inconclusive, "every container is skipped"},
	} {
		for _, old := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s (old layout %v)", tc.name, old), func(t *testing.T) {
				worst := cutover.Evidence{Result: cutover.Pass}
				for _, e := range cutover.Injected(injectedPod(old, tc.change), cutover.Injection{ClientID: "abcd", TenantID: "2222"}) {
					if e.Result != cutover.Pass {
						worst = e
					}
				}
				if worst.Result != tc.want || !strings.Contains(worst.Got, tc.got) || tc.want != cutover.Pass && tc.got == "" {
					t.Errorf("got %+v, want %s with %q", worst, tc.want, tc.got)
				}
			})
		}
	}
}

func ExampleInjected() {
	pod := injectedPod(false, func(p *corev1.Pod) { p.Spec.Containers[0].Env[0].Value = "9999" })
	for _, e := range cutover.Injected(pod, cutover.Injection{ClientID: "abcd"}) {
		fmt.Println(e.Result, e.Object, "-", e.Got)
	}
	// Output:
	// pass Pod/api-1 container migrate - injected
	// fail Pod/api-1 container app - AZURE_CLIENT_ID is 9999
}
