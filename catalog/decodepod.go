package catalog

import (
	"strings"

	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// podView is what is looked at in a pod or a pod template, however it was encoded.
type podView struct {
	labels, annotations   map[string]string
	serviceAccount        string
	hostNetwork, windows  bool
	containers            []containerView
	secretProviderClasses []string
}

type containerView struct {
	name, image string
	env         []Env
	args        []string // command and arguments
}

// skipPod leaves out what is bulky in pods and workloads and bears on no identity.
func skipPod(key string) bool {
	switch key {
	case "managedFields", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources", "volumeMounts", "volumeDevices",
		"securityContext", "affinity", "tolerations", "topologySpreadConstraints", "imagePullSecrets", "ports", "strategy",
		"updateStrategy", "volumeClaimTemplates", "hostAliases", "dnsConfig", "readinessGates", "conditions", "containerStatuses",
		"initContainerStatuses", "ephemeralContainerStatuses", "podIPs", "hostIPs":
		return true
	}
	return false
}

// podTemplate reads a pod template: metadata and spec.
func (d *decoder) podTemplate(v any, path string) podView {
	m := d.mapping(v, path)
	meta := d.mapping(m["metadata"], path+".metadata")
	p := d.podSpec(m["spec"], path+".spec")
	p.labels = d.podLabels(meta["labels"], path+".metadata.labels")
	p.annotations = d.annotations(meta["annotations"], path+".metadata.annotations")
	return p
}

// podLabels reads the labels of pods, among which those of the two worlds must be valid.
func (d *decoder) podLabels(v any, path string) map[string]string {
	labels := d.words(v, path)
	for _, key := range []string{podidentity.Label, workloadid.UseLabel} {
		if value, ok := labels[key]; ok && !validLabelValue(value) {
			d.fail(path+"."+key, "%q is no label value (letters, digits, -, _ and ., at most 63)", shown(value))
		}
	}
	return labels
}

// podSpec reads a pod's spec.
func (d *decoder) podSpec(v any, path string) podView {
	m := d.mapping(v, path)
	p := podView{
		serviceAccount: d.word(m["serviceAccountName"], path+".serviceAccountName"),
		hostNetwork:    d.boolean(m["hostNetwork"], path+".hostNetwork"),
	}
	if p.serviceAccount == "" {
		p.serviceAccount = d.word(m["serviceAccount"], path+".serviceAccount") // its deprecated name
	}
	os := d.mapping(m["os"], path+".os")
	nodes := d.words(m["nodeSelector"], path+".nodeSelector")
	p.windows = d.word(os["name"], path+".os.name") == "windows" ||
		nodes["kubernetes.io/os"] == "windows" || nodes["beta.kubernetes.io/os"] == "windows"
	for _, field := range []string{"initContainers", "containers"} {
		for _, c := range d.list(m[field], path+"."+field) {
			p.containers = append(p.containers, d.container(c, path+"."+field))
		}
	}
	for _, v := range d.list(m["volumes"], path+".volumes") {
		if class := d.secretProviderClassOf(v, path+".volumes"); class != "" {
			p.secretProviderClasses = append(p.secretProviderClasses, class)
		}
	}
	return p
}

// container reads a container.
func (d *decoder) container(v any, path string) containerView {
	m := d.mapping(v, path)
	c := containerView{name: d.word(m["name"], path+".name"), image: d.text(m["image"], path+".image")}
	for _, v := range d.list(m["env"], path+".env") {
		e := d.mapping(v, path+".env")
		c.env = append(c.env, Env{Container: c.name, Name: d.text(e["name"], path+".env.name"), Value: d.text(e["value"], path+".env.value")})
	}
	for _, field := range []string{"command", "args"} {
		for _, v := range d.list(m[field], path+"."+field) {
			c.args = append(c.args, d.text(v, path+"."+field))
		}
	}
	return c
}

// csiDriver is the driver that mounts SecretProviderClasses. https://secrets-store-csi-driver.sigs.k8s.io/concepts
const csiDriver = "secrets-store.csi.k8s.io"

func (d *decoder) secretProviderClassOf(v any, path string) string {
	csi := d.mapping(d.mapping(v, path)["csi"], path+".csi")
	if d.word(csi["driver"], path+".csi.driver") != csiDriver {
		return ""
	}
	attributes := d.mapping(csi["volumeAttributes"], path+".csi.volumeAttributes")
	return d.word(attributes["secretProviderClass"], path+".csi.volumeAttributes.secretProviderClass")
}

// webhookAnnotations are the entries of annotations that the Workload Identity webhook reads.
func webhookAnnotations(annotations map[string]string) map[string]string {
	var out map[string]string
	for k, v := range annotations {
		if strings.HasPrefix(k, workloadid.Prefix) {
			if out == nil {
				out = map[string]string{}
			}
			out[k] = v
		}
	}
	return out
}
