package catalog

import "strings"

// mode tells how Pod Identity matches in the cluster: as declared, else from the AKS add-on, from the flags of NMI and MIC, from where
// the AzureAssignedIdentities lie (MIC writes them into "default" unless namespaced, managed mode has none), else standard.
func (e *estate) mode() PodIdentityMode {
	switch declared := e.snap.Cluster.PodIdentityMode; declared {
	case ModeNone, ModeStandard, ModeNamespaced, ModeManaged:
		return declared
	}
	if a := e.snap.AddOn; a != nil && a.Enabled {
		return ModeManaged
	}
	if m := e.modeOfComponents(); m != "" {
		return m
	}
	if m := e.modeOfAssigned(); m != "" {
		return m
	}
	if e.empty() {
		return ModeNone
	}
	return ModeStandard
}

func (e *estate) modeOfComponents() PodIdentityMode {
	var mode PodIdentityMode
	for i := range e.snap.Components {
		switch c := &e.snap.Components[i]; {
		case c.Managed:
			return ModeManaged
		case c.ForceNamespaced:
			mode = ModeNamespaced
		case mode == "":
			mode = ModeStandard
		}
	}
	return mode
}

// modeOfAssigned looks at assignments of identities that are not namespaced by their own annotation.
func (e *estate) modeOfAssigned() PodIdentityMode {
	namespaced := map[key]bool{}
	for _, id := range e.identities {
		namespaced[id.key()] = id.Namespaced
	}
	var mode PodIdentityMode
	for i := range e.snap.Assigned {
		a := &e.snap.Assigned[i]
		if ns, name := splitKey(a.Identity); namespaced[key{ns, name}] {
			continue
		}
		if a.Namespace == "" || a.Namespace == "default" {
			return ModeStandard
		}
		mode = ModeNamespaced
	}
	if mode == "" && len(e.snap.Assigned) > 0 {
		return ModeStandard
	}
	return mode
}

// empty reports whether nothing of Pod Identity was found by reads that all succeeded.
func (e *estate) empty() bool {
	s := e.snap
	return len(s.Identities)+len(s.Bindings)+len(s.Assigned)+len(s.Exceptions)+len(s.Components) == 0 &&
		(s.AddOn == nil || len(s.AddOn.Identities) == 0) &&
		e.unread.knows(readIdentities, "") && e.unread.knows(readBindings, "")
}

// splitKey parts "namespace/name"; a name alone has no namespace.
func splitKey(s string) (namespace, name string) {
	namespace, name, found := strings.Cut(s, "/")
	if !found {
		return "", namespace
	}
	return namespace, name
}
