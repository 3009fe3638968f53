package catalog

import (
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/internal/podidentity"
)

// folded reads keys of a mapping whatever their letter case, as releases before v1.6.0 wrote them in another
// (https://azure.github.io/aad-pod-identity/docs/#v160-breaking-change). An exact key wins.
type folded struct {
	values   map[string]any
	misCased []string
}

func (d *decoder) folded(m map[string]any, path string, keys ...string) folded {
	f := folded{values: map[string]any{}}
	for _, key := range keys {
		if v, ok := m[key]; ok {
			f.values[key] = v
		}
	}
	for k, v := range m {
		i := slices.IndexFunc(keys, func(key string) bool { return key != k && strings.EqualFold(key, k) })
		if i < 0 {
			continue
		}
		f.misCased = append(f.misCased, k)
		if _, exact := m[keys[i]]; exact {
			continue
		}
		if _, twice := f.values[keys[i]]; twice {
			d.fail(path+"."+k, "is written twice, in two letter cases")
		}
		f.values[keys[i]] = v
	}
	slices.Sort(f.misCased)
	return f
}

// podIdentity reads the four custom resources of Pod Identity.
func (p *projection) podIdentity() {
	switch p.object.Kind {
	case podidentity.KindIdentity:
		p.azureIdentity()
	case podidentity.KindBinding:
		p.binding()
	case podidentity.KindAssigned:
		p.assigned()
	case podidentity.KindException:
		p.exception()
	}
}

// customResource reads metadata and spec; false means that the object was rejected or read before.
func (p *projection) customResource() (objectMeta, map[string]any, bool) {
	m, ok := p.meta()
	if !ok {
		return m, nil, false
	}
	spec := p.spec(skipMetadata)
	return m, spec, p.fits(m)
}

func (p *projection) azureIdentity() {
	m, spec, ok := p.customResource()
	if !ok {
		return
	}
	f := p.folded(spec, "spec", "type", "resourceID", "clientID", "tenantID")
	kind, _ := p.integer(f.values["type"], "spec.type")
	if kind != int64(int32(kind)) {
		p.fail("spec.type", "%d is none of 0, 1 and 2", kind)
	}
	id := AzureIdentity{
		Meta:       p.internMeta(m.Meta),
		Type:       int(kind),
		ResourceID: p.word(f.values["resourceID"], "spec.resourceID"),
		ClientID:   p.word(f.values["clientID"], "spec.clientID"),
		TenantID:   p.intern(p.word(f.values["tenantID"], "spec.tenantID")),
		Namespaced: m.annotations[podidentity.BehaviorAnnotation] == podidentity.BehaviorNamespaced,
		MisCased:   f.misCased,
	}
	if p.fits(m) {
		p.snap.Identities = append(p.snap.Identities, id)
	}
}

func (p *projection) binding() {
	m, spec, ok := p.customResource()
	if !ok {
		return
	}
	f := p.folded(spec, "spec", "azureIdentity", "selector")
	b := AzureIdentityBinding{
		Meta:          p.internMeta(m.Meta),
		AzureIdentity: p.intern(p.word(f.values["azureIdentity"], "spec.azureIdentity")),
		Selector:      p.intern(p.word(f.values["selector"], "spec.selector")),
		MisCased:      f.misCased,
	}
	if p.fits(m) {
		p.snap.Bindings = append(p.snap.Bindings, b)
	}
}

func (p *projection) exception() {
	m, spec, ok := p.customResource()
	if !ok {
		return
	}
	f := p.folded(spec, "spec", "podLabels")
	e := Exception{Meta: p.internMeta(m.Meta), PodLabels: p.internMap(p.words(f.values["podLabels"], "spec.podLabels")), MisCased: f.misCased}
	if p.fits(m) {
		p.snap.Exceptions = append(p.snap.Exceptions, e)
	}
}

func (p *projection) assigned() {
	m, spec, ok := p.customResource()
	if !ok {
		return
	}
	f := p.folded(spec, "spec", "azureIdentityRef", "azureBindingRef", "pod", "podNamespace", "nodename")
	status := p.folded(p.field("status", skipMetadata), "status", "status")
	a := AssignedIdentity{
		Meta:         p.internMeta(m.Meta),
		Pod:          p.word(f.values["pod"], "spec.pod"),
		PodNamespace: p.intern(p.word(f.values["podNamespace"], "spec.podNamespace")),
		NodeName:     p.intern(p.word(f.values["nodename"], "spec.nodename")),
		Identity:     p.intern(p.embedded(f.values["azureIdentityRef"], "spec.azureIdentityRef")),
		Binding:      p.intern(p.embedded(f.values["azureBindingRef"], "spec.azureBindingRef")),
		Status:       p.intern(p.word(status.values["status"], "status.status")),
		CreatedAt:    p.creation(),
	}
	if p.fits(m) {
		p.snap.Assigned = append(p.snap.Assigned, a)
	}
}

// embedded returns "namespace/name" of an object that lies whole within another.
func (d *decoder) embedded(v any, path string) string {
	meta := d.mapping(d.mapping(v, path)["metadata"], path+".metadata")
	name := d.word(meta["name"], path+".metadata.name")
	if name == "" {
		return ""
	}
	return d.word(meta["namespace"], path+".metadata.namespace") + "/" + name
}

// creation returns metadata.creationTimestamp as it is written.
func (p *projection) creation() string {
	return p.word(p.field("metadata", skipMetadata)["creationTimestamp"], "metadata.creationTimestamp")
}
