package catalog

import (
	"fmt"

	"github.com/wimigrate/wimigrate/internal/manifest"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// protobuf adds what matters of one item of a list. The item's bytes are not kept: unmarshalling copies every string.
func (c *collector) protobuf(l liveList, data []byte) error {
	if l.encoding == asMetadata {
		var o metav1.PartialObjectMetadata
		if err := o.Unmarshal(data); err != nil {
			return unreadable(l, err)
		}
		c.metadataFact(typedMeta(l.apiVersion(), l.kind, &o.ObjectMeta))
		return nil
	}
	o := typedObject(l.kind)
	if o == nil {
		return fmt.Errorf("%s came as protobuf, which it never is", l.name())
	}
	if err := o.Unmarshal(data); err != nil {
		return unreadable(l, err)
	}
	c.typed(l, o)
	return nil
}

// typed adds what matters of a typed object.
func (c *collector) typed(l liveList, o typed) {
	w := typedWorkload(o)
	w.objectMeta = typedMeta(l.apiVersion(), l.kind, o.GetObjectMeta().(*metav1.ObjectMeta))
	if l.kind == "Pod" {
		w.pod.labels, w.pod.annotations = w.labels, w.annotations
	}
	c.workload(&w)
}

func unreadable(l liveList, err error) error {
	return fmt.Errorf("%s cannot be decoded: %w", l.name(), err)
}

// typed is a built-in object that can be read from protobuf.
type typed interface {
	Unmarshal([]byte) error
	GetObjectMeta() metav1.Object
}

func typedObject(kind string) typed {
	switch kind {
	case "Pod":
		return &corev1.Pod{}
	case "ReplicationController":
		return &corev1.ReplicationController{}
	case "Deployment":
		return &appsv1.Deployment{}
	case "StatefulSet":
		return &appsv1.StatefulSet{}
	case "DaemonSet":
		return &appsv1.DaemonSet{}
	case "ReplicaSet":
		return &appsv1.ReplicaSet{}
	case "Job":
		return &batchv1.Job{}
	case "CronJob":
		return &batchv1.CronJob{}
	}
	return nil
}

// typedWorkload reads the same of a typed object as the projection reads of a parsed one.
func typedWorkload(o typed) workloadView {
	w := workloadView{path: "spec.template"}
	switch o := o.(type) {
	case *corev1.Pod:
		w = workloadView{pod: typedPod(&o.Spec), phase: string(o.Status.Phase), node: o.Spec.NodeName}
	case *corev1.ReplicationController:
		if o.Spec.Template != nil {
			w.pod = typedTemplate(o.Spec.Template)
		}
		w.selector, w.replicas = o.Spec.Selector, replicasOf(o.Spec.Replicas)
	case *appsv1.Deployment:
		w.pod, w.replicas, w.suspended = typedTemplate(&o.Spec.Template), replicasOf(o.Spec.Replicas), o.Spec.Paused
		w.selector, w.strategy = typedSelector(o.Spec.Selector), string(o.Spec.Strategy.Type)
	case *appsv1.StatefulSet:
		w.pod, w.replicas, w.selector = typedTemplate(&o.Spec.Template), replicasOf(o.Spec.Replicas), typedSelector(o.Spec.Selector)
		w.strategy = string(o.Spec.UpdateStrategy.Type)
	case *appsv1.DaemonSet:
		w.pod, w.selector, w.strategy = typedTemplate(&o.Spec.Template), typedSelector(o.Spec.Selector), string(o.Spec.UpdateStrategy.Type)
	case *appsv1.ReplicaSet:
		w.pod, w.replicas, w.selector = typedTemplate(&o.Spec.Template), replicasOf(o.Spec.Replicas), typedSelector(o.Spec.Selector)
	case *batchv1.Job:
		w.pod, w.selector = typedTemplate(&o.Spec.Template), typedSelector(o.Spec.Selector)
		w.suspended = o.Spec.Suspend != nil && *o.Spec.Suspend
	case *batchv1.CronJob:
		w.path = "spec.jobTemplate.spec.template"
		w.pod = typedTemplate(&o.Spec.JobTemplate.Spec.Template)
		w.suspended = o.Spec.Suspend != nil && *o.Spec.Suspend
	}
	return w
}

func replicasOf(n *int32) *int32 {
	r := int32(1)
	if n != nil {
		r = *n
	}
	return &r
}

func typedSelector(s *metav1.LabelSelector) map[string]string {
	if s == nil {
		return nil
	}
	labels := merged(s.MatchLabels, nil)
	for _, e := range s.MatchExpressions {
		if labels == nil {
			labels = map[string]string{}
		}
		if _, have := labels[e.Key]; !have {
			labels[e.Key] = ""
		}
	}
	return labels
}

func typedTemplate(t *corev1.PodTemplateSpec) podView {
	p := typedPod(&t.Spec)
	p.labels, p.annotations = t.Labels, t.Annotations
	return p
}

func typedPod(s *corev1.PodSpec) podView {
	p := podView{serviceAccount: s.ServiceAccountName, hostNetwork: s.HostNetwork}
	if p.serviceAccount == "" {
		p.serviceAccount = s.DeprecatedServiceAccount
	}
	p.windows = s.OS != nil && s.OS.Name == corev1.Windows ||
		s.NodeSelector["kubernetes.io/os"] == "windows" || s.NodeSelector["beta.kubernetes.io/os"] == "windows"
	for _, containers := range [][]corev1.Container{s.InitContainers, s.Containers} {
		for i := range containers {
			p.containers = append(p.containers, typedContainer(&containers[i]))
		}
	}
	for i := range s.Volumes {
		if csi := s.Volumes[i].CSI; csi != nil && csi.Driver == csiDriver && csi.VolumeAttributes["secretProviderClass"] != "" {
			p.secretProviderClasses = append(p.secretProviderClasses, csi.VolumeAttributes["secretProviderClass"])
		}
	}
	return p
}

func typedContainer(c *corev1.Container) containerView {
	v := containerView{name: c.Name, image: c.Image, args: append(append([]string(nil), c.Command...), c.Args...)}
	for _, e := range c.Env {
		v.env = append(v.env, Env{Container: c.Name, Name: e.Name, Value: e.Value})
	}
	return v
}

func typedMeta(apiVersion, kind string, m *metav1.ObjectMeta) objectMeta {
	out := objectMeta{
		Meta: Meta{
			APIVersion: apiVersion, Kind: kind, Namespace: m.Namespace, Name: m.Name, UID: string(m.UID), ResourceVersion: m.ResourceVersion,
			Manager: managerOf(m.Labels, m.Annotations), Origin: "live",
		},
		labels: m.Labels, annotations: m.Annotations,
	}
	if ref := metav1.GetControllerOfNoCopy(m); ref != nil {
		out.Owner = &Owner{APIVersion: ref.APIVersion, Kind: ref.Kind, Name: ref.Name, UID: string(ref.UID)}
	}
	return out
}

// metadataFact adds an object of which only the metadata was asked for.
func (c *collector) metadataFact(m objectMeta) {
	switch m.Kind {
	case "ServiceAccount":
		c.serviceAccount(m)
	case "Namespace":
		c.namespace(m)
	case "Node":
		c.node(m)
	default:
		c.waiting = append(c.waiting, Workload{Meta: c.internMeta(m.Meta)}) // an owner between a pod and its workload
	}
}

// metadataOnly is metadataFact for a server that answers with JSON.
func (c *collector) metadataOnly(o *manifest.Object) {
	p := projection{collector: c, object: o, origin: "live"}
	if m, ok := p.meta(); ok {
		c.metadataFact(m)
	}
}
