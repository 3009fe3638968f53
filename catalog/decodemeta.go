package catalog

import (
	"strings"

	"github.com/wimigrate/wimigrate/internal/manifest"
)

// objectMeta is what is read of an object's metadata; its maps are not kept.
type objectMeta struct {
	Meta
	labels, annotations map[string]string
}

// skipMetadata leaves out what is bulky and of no use.
func skipMetadata(key string) bool { return key == "managedFields" }

// metadata reads the metadata of an object. The annotations may hold any text.
func (d *decoder) metadata(o *manifest.Object) objectMeta {
	tree, err := o.Field("metadata", skipMetadata)
	if err != nil {
		d.failed("metadata", err)
		return objectMeta{}
	}
	return d.metadataOf(o.APIVersion, o.Kind, tree)
}

func (d *decoder) metadataOf(apiVersion, kind string, tree any) objectMeta {
	m := d.mapping(tree, "metadata")
	out := objectMeta{Meta: Meta{
		APIVersion:      apiVersion,
		Kind:            kind,
		Namespace:       d.word(m["namespace"], "metadata.namespace"),
		Name:            d.word(m["name"], "metadata.name"),
		UID:             d.word(m["uid"], "metadata.uid"),
		ResourceVersion: d.word(m["resourceVersion"], "metadata.resourceVersion"),
	}}
	if out.Name == "" {
		out.Name = d.word(m["generateName"], "metadata.generateName")
	}
	out.labels = d.words(m["labels"], "metadata.labels")
	out.annotations = d.annotations(m["annotations"], "metadata.annotations")
	for _, ref := range d.list(m["ownerReferences"], "metadata.ownerReferences") {
		if owner := d.owner(ref); owner != nil {
			out.Owner = owner
		}
	}
	d.names(&out.Meta)
	out.Manager = managerOf(out.labels, out.annotations)
	return out
}

// annotations reads annotations: any text, but always text.
func (d *decoder) annotations(v any, path string) map[string]string {
	m := d.mapping(v, path)
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		if k != "kubectl.kubernetes.io/last-applied-configuration" {
			out[k] = d.text(v, path+"."+k)
		}
	}
	return out
}

// owner reads an owner reference; nil unless it controls.
func (d *decoder) owner(v any) *Owner {
	const path = "metadata.ownerReferences"
	m := d.mapping(v, path)
	if !d.boolean(m["controller"], path+".controller") {
		return nil
	}
	return &Owner{
		APIVersion: d.word(m["apiVersion"], path+".apiVersion"),
		Kind:       d.word(m["kind"], path+".kind"),
		Name:       d.word(m["name"], path+".name"),
		UID:        d.word(m["uid"], path+".uid"),
	}
}

// names checks that the object's name and namespace are ones that an API server would take, so that they can be shown, compared and
// written into files. https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
func (d *decoder) names(m *Meta) {
	switch {
	case m.Name == "":
		d.fail("metadata.name", "is empty")
	case !validName(strings.TrimSuffix(m.Name, "-")): // a generateName ends in a dash
		d.fail("metadata.name", "%q is no Kubernetes name (lower-case letters, digits, - and ., at most 253)", shown(m.Name))
	}
	if m.Namespace != "" && !validNamespace(m.Namespace) {
		d.fail("metadata.namespace", "%q is no namespace (lower-case letters, digits and -, at most 63)", shown(m.Namespace))
	}
}

// managerOf names the tool that owns an object's text, from the marks that the tools leave.
//   - Argo CD: https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
//   - Flux: https://fluxcd.io/flux/components/kustomize/kustomizations/#labels
//   - Helm: https://helm.sh/docs/chart_best_practices/labels/
func managerOf(labels, annotations map[string]string) string {
	if app, _, ok := strings.Cut(annotations["argocd.argoproj.io/tracking-id"], ":"); ok {
		return "argocd:" + shown(app)
	}
	if app := labels["argocd.argoproj.io/instance"]; app != "" {
		return "argocd:" + app
	}
	for _, tool := range []string{"kustomize", "helm"} {
		if name := labels[tool+".toolkit.fluxcd.io/name"]; name != "" {
			return "flux:" + labels[tool+".toolkit.fluxcd.io/namespace"] + "/" + name
		}
	}
	if release := annotations["meta.helm.sh/release-name"]; release != "" {
		return "helm:" + shown(release)
	}
	if release := labels["app.kubernetes.io/instance"]; release != "" && labels["app.kubernetes.io/managed-by"] == "Helm" {
		return "helm:" + release
	}
	return ""
}
