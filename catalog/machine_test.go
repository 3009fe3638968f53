package catalog_test

import "github.com/wimigrate/wimigrate/catalog"

// machine turns bytes into snapshots: each instruction adds one fact, whose words are drawn from a few that are likely to meet and a
// few that are hostile.
type machine struct{ program []byte }

func (m *machine) next() int {
	if len(m.program) == 0 {
		return 0
	}
	b := m.program[0]
	m.program = m.program[1:]
	return int(b)
}

func (m *machine) word() string {
	words := []string{"a", "b", "default", "web", "", "A", "../x", "a b", "\u202e", "\xff", "x\x00", "true", "web-abc12", "night-29043210", "a/b",
		"/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/a"}
	return words[m.next()%len(words)]
}

func (m *machine) name() string { return []string{"a", "b", "web", "../x"}[m.next()%4] }

func (m *machine) flag() bool { return m.next()%4 == 1 }

func (m *machine) meta() catalog.Meta {
	kinds := []string{"Deployment", "Pod", "ReplicaSet", "Job", "CronJob", "Rollout", "ClusterWidget", "Widget"}
	groups := []string{"apps/v1", "v1", "batch/v1", "argoproj.io/v1alpha1", ""}
	out := catalog.Meta{APIVersion: groups[m.next()%5], Kind: kinds[m.next()%8], Namespace: m.name(), Name: m.name(), Origin: m.word()}
	if m.flag() {
		out.UID = m.name()
	}
	if m.flag() {
		out.Owner = &catalog.Owner{APIVersion: groups[m.next()%5], Kind: kinds[m.next()%8], Name: m.word(), UID: m.name()}
	}
	return out
}

func (m *machine) labels() map[string]string {
	keys := []string{"aadpodidbinding", "azure.workload.identity/use", "app", "pod-template-hash"}
	out := map[string]string{}
	for range m.next() % 4 {
		out[keys[m.next()%4]] = m.word()
	}
	return out
}

func (m *machine) workload() catalog.Workload {
	w := catalog.Workload{Meta: m.meta(), Suspended: m.flag(), SelectsBinding: m.flag(), NodeName: m.word(), Phase: []string{"", "Running", "Failed"}[m.next()%3]}
	w.Template = catalog.PodTemplate{Labels: m.labels(), ServiceAccount: m.word(), HostNetwork: m.flag(), SecretProviderClasses: []string{m.word()}}
	w.Template.Env = []catalog.Env{{Container: m.word(), Name: "AZURE_CLIENT_ID", Value: m.word()}}
	if m.flag() {
		w.Replicas = new(int32(m.next() % 2))
	}
	if m.flag() {
		w.Ref = &catalog.Owner{APIVersion: "apps/v1", Kind: "Deployment", Name: m.name()}
	}
	return w
}

func (m *machine) run() []*catalog.Snapshot {
	s := &catalog.Snapshot{Cluster: catalog.Cluster{Name: "first", Coverage: catalog.Coverage{Complete: true}}}
	out := []*catalog.Snapshot{s}
	for len(m.program) > 0 {
		switch m.next() % 12 {
		case 0:
			s = &catalog.Snapshot{Cluster: catalog.Cluster{Name: m.word(), Region: m.word(), Coverage: catalog.Coverage{Complete: m.flag()}}, Origin: m.word()}
			out = append(out, s)
		case 1:
			s.Identities = append(s.Identities, catalog.AzureIdentity{Meta: m.meta(), Type: m.next()%4 - 1, ResourceID: m.word(), ClientID: m.word(), Namespaced: m.flag()})
		case 2:
			s.Bindings = append(s.Bindings, catalog.AzureIdentityBinding{Meta: m.meta(), AzureIdentity: m.name(), Selector: m.word(), MisCased: []string{m.word()}})
		case 3:
			s.ServiceAccounts = append(s.ServiceAccounts, catalog.ServiceAccount{Meta: m.meta(), Annotations: map[string]string{"azure.workload.identity/client-id": m.word()}})
		case 4, 5, 6:
			s.Workloads = append(s.Workloads, m.workload())
		case 7:
			s.Exceptions = append(s.Exceptions, catalog.Exception{Meta: m.meta(), PodLabels: m.labels()})
		case 8:
			s.Assigned = append(s.Assigned, catalog.AssignedIdentity{Meta: m.meta(), Pod: m.name(), PodNamespace: m.name(), NodeName: m.word(), Identity: m.word(), Status: "Created", CreatedAt: m.word()})
		case 9:
			s.AddOn = &catalog.AddOn{Enabled: m.flag(), Identities: []catalog.AddOnIdentity{{Name: m.word(), Namespace: m.word(), Selector: m.word(), ResourceID: m.word(), ProvisioningError: m.word()}}}
		case 10:
			s.Cluster.Coverage.Gaps = append(s.Cluster.Coverage.Gaps, catalog.Gap{Resource: m.word(), Reason: m.word()})
			s.Malformed = append(s.Malformed, catalog.Malformed{Origin: m.word(), Object: m.word(), Namespace: m.word(), Field: m.word(), Reason: m.word()})
		default:
			s.ManagedIdentitiesRead = m.flag()
			s.ManagedIdentities = append(s.ManagedIdentities, catalog.ManagedIdentity{ResourceID: m.word(), ClientID: m.word(), Location: m.word()})
			s.TriggerAuthentications = append(s.TriggerAuthentications, catalog.TriggerAuthentication{Meta: m.meta(), Provider: "azure"})
			s.SecretProviderClasses = append(s.SecretProviderClasses, catalog.SecretProviderClass{Meta: m.meta(), UsePodIdentity: true})
		}
	}
	return out
}
