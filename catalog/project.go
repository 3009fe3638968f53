package catalog

import (
	"strings"

	"github.com/wimigrate/wimigrate/internal/manifest"
	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// marks are the texts without which an object of an unknown kind, or a pod of a known owner, says nothing of identities.
var (
	markOld = []byte(podidentity.Label)
	markNew = []byte(workloadid.Prefix)
)

// object adds what matters of one object. origin says where it was read.
func (c *collector) object(o *manifest.Object, origin string) {
	p := projection{collector: c, object: o, origin: origin}
	switch groupOf(o.APIVersion) {
	case "":
		p.core()
	case "apps", "extensions", "batch":
		p.builtIn()
	case podidentity.Group:
		p.podIdentity()
	case "secrets-store.csi.x-k8s.io", "keda.sh":
		p.relative()
	default:
		p.custom()
	}
}

// projection is the reading of one object.
type projection struct {
	*collector
	decoder
	object *manifest.Object
	origin string
}

// meta reads the metadata; false means that the object was rejected.
func (p *projection) meta() (objectMeta, bool) {
	m := p.metadata(p.object)
	m.Origin = p.origin
	return m, !p.rejected(m.Meta, p.errs)
}

// field reads a top-level mapping.
func (p *projection) field(name string, skip func(string) bool) map[string]any {
	v, err := p.object.Field(name, skip)
	if err != nil {
		p.failed(name, err)
		return nil
	}
	return p.mapping(v, name)
}

// spec reads the spec, which must be there.
func (p *projection) spec(skip func(string) bool) map[string]any {
	spec := p.field("spec", skip)
	if spec == nil && len(p.errs) == 0 {
		p.fail("spec", "is missing")
	}
	return spec
}

// fits reports whether nothing was wrong with the object, and records what was.
func (p *projection) fits(m objectMeta) bool { return !p.rejected(m.Meta, p.errs) }

func (p *projection) marked() bool {
	return p.object.MayContain(markOld) || p.object.MayContain(markNew)
}

// core reads the kinds of the core group.
func (p *projection) core() {
	switch p.object.Kind {
	case "Pod":
		p.pod()
	case "ReplicationController":
		p.builtIn()
	case "ServiceAccount":
		if m, ok := p.meta(); ok {
			p.serviceAccount(m)
		}
	case "Namespace":
		if m, ok := p.meta(); ok {
			p.namespace(m)
		}
	case "Node":
		if m, ok := p.meta(); ok {
			p.node(m)
		}
	}
}

func (c *collector) serviceAccount(m objectMeta) {
	c.snap.ServiceAccounts = append(c.snap.ServiceAccounts,
		ServiceAccount{Meta: c.internMeta(m.Meta), Annotations: c.internMap(webhookAnnotations(m.annotations))})
}

// namespace keeps the pod security level. https://kubernetes.io/docs/concepts/security/pod-security-admission/
func (c *collector) namespace(m objectMeta) {
	if m.Name == "kube-system" && m.UID != "" {
		c.snap.Cluster.UID = m.UID
	}
	c.snap.Namespaces = append(c.snap.Namespaces,
		Namespace{Meta: c.internMeta(m.Meta), PodSecurity: c.intern(m.labels["pod-security.kubernetes.io/enforce"])})
}

func (c *collector) node(m objectMeta) {
	c.snap.Nodes = append(c.snap.Nodes, Node{Meta: c.internMeta(m.Meta), Windows: m.labels["kubernetes.io/os"] == "windows"})
}

// pod reads a pod. One without either label whose owner's template is read as well is dropped without being parsed.
func (p *projection) pod() {
	p.snap.PodsRead = true
	m, ok := p.meta()
	if !ok || !p.marked() && !labelled(m.labels) && templated(m.Owner) {
		return
	}
	w := workloadView{objectMeta: m}
	spec := p.spec(skipPod)
	w.pod = p.podSpec(spec, "spec")
	w.pod.labels, w.pod.annotations = m.labels, m.annotations
	p.podLabels(anyMap(m.labels), "metadata.labels")
	w.node = p.word(spec["nodeName"], "spec.nodeName")
	status := p.field("status", func(string) bool { return true })
	w.phase = p.word(status["phase"], "status.phase")
	if p.fits(m) {
		p.workload(&w)
	}
}

func anyMap(m map[string]string) any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if strings.HasPrefix(k, podidentity.Label) || strings.HasPrefix(k, workloadid.Prefix) {
			out[k] = v
		}
	}
	return out
}
