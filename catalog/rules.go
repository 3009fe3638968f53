package catalog

// Rule is the documentation of a [Code] as data.
type Rule struct {
	Code Code `json:"code"`
	// Severity is the usual one; a finding may be milder or harder where the Code's comment says so.
	Severity Severity `json:"severity"`
	Meaning  string   `json:"meaning"`
	// Remedy is the general one; a finding's own is as specific as the facts allow.
	Remedy string `json:"remedy"`
}

// Rules lists every rule, the codes of the federation planner included, in the order of the codes' documentation.
func Rules() []Rule {
	return append(append(workloadRules(), identityRules()...), otherRules()...)
}

func workloadRules() []Rule {
	return []Rule{
		{NotRunning, Warning, "a labelled workload has no pods to prove a change on", "move the template; it counts as verified only after it ran"},
		{CustomWorkload, Warning, "a labelled pod template lies in a custom resource", "change it at the path named, and check its rollout by hand"},
		{LabelWithoutBinding, Error, "pods carry a label value that no binding selects", "correct the value or remove the label"},
		{ManyIdentities, Blocking, "one label value leads to several identities",
			"choose the default identity; name the others by client ID in code, and federate each"},
		{CrossNamespaceBinding, Error, "the binding lies in another namespace than the pods",
			"decide which namespace owns the identity; Workload Identity is per namespace"},
		{ImmutableSelector, Blocking, "aadpodidbinding is part of the immutable spec.selector",
			"create the workload anew beside the old one, without the label in its selector"},
		{BarePod, Warning, "a labelled pod has no controller", "have whoever made the pod make it again with the new label"},
		{HardCodedEnvironment, Warning, "a container sets credential variables itself or names the metadata endpoint",
			"remove them: the webhook never overwrites a variable that exists"},
		{HostNetwork, Warning, "a labelled pod uses the host's network", "move it straight to Workload Identity; the proxy sidecar is refused there"},
		{Windows, Warning, "a labelled pod runs on Windows", "move it straight to Workload Identity; the proxy sidecar does not exist there"},
		{PodIdentityException, Info, "an exception lets the pods talk to IMDS directly",
			"none for Pod Identity; decide apart whether they may use the node's identity"},
		{HalfMigrated, Warning, "the move of a workload has begun", "go on with the next step"},
		{GitOpsManaged, Info, "Git or Helm owns the object's text", "make the change there; a removal made in the cluster is reverted"},
	}
}

func identityRules() []Rule {
	return []Rule{
		{OrphanBinding, Warning, "no pod and no template carries the selector", "confirm that it is unused, then delete it; it is not federated"},
		{DanglingIdentity, Error, "the binding names an AzureIdentity that its namespace does not hold", "correct spec.azureIdentity or delete the binding"},
		{IdentityGone, Error, "the identity does not exist in Azure under that client ID", "point the AzureIdentity to an identity that exists"},
		{DuplicateIdentity, Info, "several AzureIdentities are one identity in Azure", "none needed; they become one"},
		{ServicePrincipal, Blocking, "the identity is an app registration", "federate the application through Microsoft Graph, or use a managed identity"},
		{IdentityDrift, Warning, "clusters of one region bind the same key to different identities", "decide which is right and mirror it"},
		{BindingMissing, Warning, "a binding that other clusters have is absent", "mirror it, or confirm that the cluster does not need it"},
		{CrossRegionIdentity, Warning, "the identity lies in another region than the cluster", "use an identity of the region, or accept the shared fate"},
		{StaleAssignedIdentity, Warning, "the pod or node of an assignment is gone, or it is stuck",
			"leave its finalizer alone until MIC has stopped, then delete it"},
		{AssignedNameCollision, Warning, "two assignments compute the same name", "move the workload early, or rename one AzureIdentity"},
		{AddOnMismatch, Warning, "the AKS add-on's profile and the cluster's objects disagree", "change it through ARM, which owns these objects"},
	}
}

func otherRules() []Rule {
	return []Rule{
		{SharedServiceAccount, Blocking, "workloads with different identities share a service account", "give each identity a service account of its own"},
		{DefaultServiceAccount, Warning, "labelled pods run as the default service account", "give the workload a service account of its own"},
		{MissingServiceAccount, Error, "pods name a service account that does not exist", "create the service account"},
		{ConflictingAnnotation, Error, "the service account is annotated with another client ID", "correct the annotation before the label is set"},
		{CSIPodIdentity, Error, "a SecretProviderClass uses Pod Identity", "set clientID and usePodIdentity: \"false\""},
		{KEDAPodIdentity, Error, "a TriggerAuthentication uses Pod Identity", "set provider azure-workload; KEDA 2.15 removed azure"},
		{MalformedObject, Error, "an object, or a value of it, cannot be used", "correct the field named and read again"},
		{CoverageGap, Error, "a read failed or came back short", "grant the read, or give the file whole, and scan again"},
		{FederationLimit, Blocking, "an identity would need more than 20 federated credentials", "split the identity"},
		{DeadIssuer, Warning, "a credential trusts an issuer that no cluster has", "remove the credential"},
		{UnknownSubject, Warning, "a credential trusts a service account that does not exist", "remove the credential"},
	}
}
