package catalogtest

import (
	"slices"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/internal/podidentity"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// Cluster builds the snapshot of one cluster. Its methods add objects and return the cluster, so that calls chain. It is not safe
// for concurrent use.
type Cluster struct{ snap catalog.Snapshot }

// NewCluster starts an empty cluster in standard mode, completely read.
func NewCluster(name, region string) *Cluster {
	return &Cluster{snap: catalog.Snapshot{Cluster: catalog.Cluster{
		Name: name, Region: region, ResourceID: ClusterID(name), Issuer: Issuer(name, region), UID: GUID("uid/" + name),
		Coverage: catalog.Coverage{Complete: true},
	}}}
}

// Snapshot returns what was built so far; later calls do not change it.
func (c *Cluster) Snapshot() *catalog.Snapshot {
	s := c.snap
	s.Identities, s.Bindings, s.Assigned = slices.Clone(s.Identities), slices.Clone(s.Bindings), slices.Clone(s.Assigned)
	s.Exceptions, s.Workloads, s.ServiceAccounts = slices.Clone(s.Exceptions), slices.Clone(s.Workloads), slices.Clone(s.ServiceAccounts)
	s.Namespaces, s.Nodes, s.Components = slices.Clone(s.Namespaces), slices.Clone(s.Nodes), slices.Clone(s.Components)
	s.SecretProviderClasses, s.TriggerAuthentications = slices.Clone(s.SecretProviderClasses), slices.Clone(s.TriggerAuthentications)
	s.ManagedIdentities, s.Malformed = slices.Clone(s.ManagedIdentities), slices.Clone(s.Malformed)
	return &s
}

// Edit changes the snapshot under construction directly, for what no method covers.
func (c *Cluster) Edit(edit func(*catalog.Snapshot)) *Cluster {
	edit(&c.snap)
	return c
}

// App adds a clean application on Pod Identity: a managed identity, a binding "NAME-binding" with the selector "NAMESPACE-NAME", a
// service account, and a Deployment of two replicas with the label. The identity in Azure is named NAMESPACE-NAME.
func (c *Cluster) App(namespace, name string, edit ...func(*catalog.Workload)) *Cluster {
	label := namespace + "-" + name
	c.Identity(namespace, name, label).Binding(namespace, name+"-binding", name, label).Account(namespace, name, "")
	return c.Workload("Deployment", namespace, name, name, append([]func(*catalog.Workload){Label(label)}, edit...)...)
}

// Identity adds an AzureIdentity of type 0 for the managed identity azure.
func (c *Cluster) Identity(namespace, name, azure string, edit ...func(*catalog.AzureIdentity)) *Cluster {
	c.Namespace(namespace)
	id := catalog.AzureIdentity{Meta: meta(podidentity.GroupVersion, podidentity.KindIdentity, namespace, name), ResourceID: ResourceID(azure),
		ClientID: ClientID(azure)}
	for _, f := range edit {
		f(&id)
	}
	c.snap.Identities = append(c.snap.Identities, id)
	return c
}

// Binding adds an AzureIdentityBinding.
func (c *Cluster) Binding(namespace, name, identity, selector string) *Cluster {
	c.Namespace(namespace)
	c.snap.Bindings = append(c.snap.Bindings, catalog.AzureIdentityBinding{
		Meta: meta(podidentity.GroupVersion, podidentity.KindBinding, namespace, name), AzureIdentity: identity, Selector: selector})
	return c
}

// Exception adds an AzurePodIdentityException for one label.
func (c *Cluster) Exception(namespace, name, label, value string) *Cluster {
	c.Namespace(namespace)
	c.snap.Exceptions = append(c.snap.Exceptions, catalog.Exception{
		Meta: meta(podidentity.GroupVersion, podidentity.KindException, namespace, name), PodLabels: map[string]string{label: value}})
	return c
}

// Account adds a service account, annotated with a client ID unless that is empty.
func (c *Cluster) Account(namespace, name, clientID string) *Cluster {
	c.Namespace(namespace)
	a := catalog.ServiceAccount{Meta: meta("v1", "ServiceAccount", namespace, name)}
	if clientID != "" {
		a.Annotations = map[string]string{workloadid.ClientIDAnnotation: clientID}
	}
	c.snap.ServiceAccounts = append(c.snap.ServiceAccounts, a)
	return c
}

// Namespace adds a namespace with its default service account, once.
func (c *Cluster) Namespace(name string) *Cluster {
	for i := range c.snap.Namespaces {
		if c.snap.Namespaces[i].Name == name {
			return c
		}
	}
	m := meta("v1", "Namespace", "", name)
	c.snap.Namespaces = append(c.snap.Namespaces, catalog.Namespace{Meta: m})
	c.snap.ServiceAccounts = append(c.snap.ServiceAccounts, catalog.ServiceAccount{Meta: meta("v1", "ServiceAccount", name, "default")})
	return c
}

// Node adds a Linux node.
func (c *Cluster) Node(name string) *Cluster {
	c.snap.Nodes = append(c.snap.Nodes, catalog.Node{Meta: meta("v1", "Node", "", name)})
	return c
}

// Assigned adds an AzureAssignedIdentity for a pod and an identity of its namespace, as MIC writes it in standard mode.
func (c *Cluster) Assigned(namespace, pod, identity, node, status string) *Cluster {
	c.Namespace("default")
	c.snap.Assigned = append(c.snap.Assigned, catalog.AssignedIdentity{
		Meta: meta(podidentity.GroupVersion, podidentity.KindAssigned, "default", pod+"-"+namespace+"-"+identity),
		Pod:  pod, PodNamespace: namespace, NodeName: node, Identity: namespace + "/" + identity, Status: status})
	return c
}

func meta(apiVersion, kind, namespace, name string) catalog.Meta {
	return catalog.Meta{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name}
}
