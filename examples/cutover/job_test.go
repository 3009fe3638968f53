package main

import (
	"os"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
)

// manifest reads the Job's manifest; a field that Kubernetes does not know is an error.
func manifest(t *testing.T) (ns corev1.Namespace, account corev1.ServiceAccount, clusters corev1.ConfigMap, job batchv1.Job) {
	t.Helper()
	text, err := os.ReadFile("manifests/job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	into := map[string]any{"Namespace": &ns, "ServiceAccount": &account, "ConfigMap": &clusters, "Job": &job}
	for doc := range strings.SplitSeq(string(text), "\n---\n") {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(doc), &kind); err != nil {
			t.Fatal(err)
		}
		if err := yaml.UnmarshalStrict([]byte(doc), into[kind.Kind]); err != nil {
			t.Fatalf("%s: %v", kind.Kind, err)
		}
	}
	return ns, account, clusters, job
}

func TestTheJobFitsTheProgramAndThePlansManifest(t *testing.T) {
	ns, account, clusters, job := manifest(t)
	pod := job.Spec.Template.Spec
	c, err := parse(pod.Containers[0].Args)
	if err != nil {
		t.Fatal(err)
	}
	if c.fleet == "" || c.plan == "" || !c.approve || c.namespace != ns.Name || job.Namespace != ns.Name {
		t.Errorf("args %v in namespace %s", pod.Containers[0].Args, job.Namespace)
	}
	mount, volume := pod.Containers[0].VolumeMounts[0], pod.Volumes[0]
	for _, file := range []string{c.fleet, c.plan, pod.Containers[0].Env[0].Value} {
		if mount.Name != volume.Name || volume.Projected == nil || !strings.HasPrefix(file, mount.MountPath+"/") {
			t.Errorf("%s is not in volume %+v at %+v", file, volume, mount)
		}
	}
	beside := map[string]bool{}
	for _, s := range volume.Projected.Sources {
		if s.ServiceAccountToken != nil {
			beside[s.ServiceAccountToken.Path] = true
		}
		if s.ConfigMap != nil && len(s.ConfigMap.Items) == 1 {
			beside[s.ConfigMap.Items[0].Path] = true
		}
	}
	kubeconfig, err := clientcmd.Load([]byte(clusters.Data[path.Base(pod.Containers[0].Env[0].Value)]))
	if err != nil || len(kubeconfig.Contexts) != 1 {
		t.Fatalf("%v: %+v", err, kubeconfig)
	}
	for name, x := range kubeconfig.Contexts {
		if !beside[kubeconfig.Clusters[x.Cluster].CertificateAuthority] || !beside[kubeconfig.AuthInfos[x.AuthInfo].TokenFile] {
			t.Errorf("context %s names files that are not beside it", name)
		}
	}
	if pod.ServiceAccountName != account.Name || account.Namespace != ns.Name {
		t.Errorf("service account %s, want %s/%s", pod.ServiceAccountName, account.Namespace, account.Name)
	}
	if pod.RestartPolicy != corev1.RestartPolicyNever { // the API server refuses a podFailurePolicy otherwise
		t.Errorf("restartPolicy %s", pod.RestartPolicy)
	}
	final := []int32{cutover.ExitBlocked, cutover.ExitHeld, cutover.ExitFrozen, cutover.ExitStale, cutover.ExitLocked, cutover.ExitIncomplete}
	if diff := cmp.Diff(final, job.Spec.PodFailurePolicy.Rules[0].OnExitCodes.Values); diff != "" {
		t.Errorf("exit codes that end the Job (-want +got):\n%s", diff)
	}

	p, err := cutover.NewPlan(&catalog.Catalog{Clusters: []catalog.Cluster{{Name: "aks-1"}}}, emptyTrust(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	granted, err := p.RBAC("aks-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	var to []rbacv1.Subject
	for doc := range strings.SplitSeq(string(granted), "---\n") {
		var b rbacv1.RoleBinding
		if err := yaml.Unmarshal([]byte(doc), &b); err != nil {
			t.Fatal(err)
		}
		if b.Kind == "RoleBinding" && b.Namespace == c.namespace {
			to = append(to, b.Subjects...)
		}
	}
	if len(to) != 1 || to[0].Name != account.Name || to[0].Namespace != account.Namespace {
		t.Errorf("the plan's manifest grants the journal to %+v, and the Job runs as %s/%s", to, account.Namespace, account.Name)
	}
}

func emptyTrust(t *testing.T) *federation.Plan {
	t.Helper()
	fed, err := federation.NewPlan(&catalog.Catalog{}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return fed
}
