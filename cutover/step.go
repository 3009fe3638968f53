package cutover

// StepKind says what a step does. Steps run in the order in which the plan lists them.
type StepKind string

const (
	// StepPreflight (S2) writes nothing; its gate judges whether the unit may start.
	StepPreflight StepKind = "preflight"
	// StepTrust (S3) writes nothing; its gate proves that Entra honours the federated credentials.
	StepTrust StepKind = "trust"
	// StepSuspend stops a GitOps tool from reconciling the unit; only in mode suspend.
	StepSuspend StepKind = "suspend"
	// StepAnnotate (S4) puts the client ID on the service accounts.
	StepAnnotate StepKind = "annotate"
	// StepLabel (S5) puts the webhook's label on one workload's template: the first rollout.
	StepLabel StepKind = "label"
	// StepDualPath (S6) waits for that rollout and proves the new path, while the old one still works.
	StepDualPath StepKind = "dualPath"
	// StepLoad (S7) proves the new path under load.
	StepLoad StepKind = "load"
	// StepUnbind (S8) takes the old label from one workload's template, held at a few canary pods where the kind can hold.
	StepUnbind StepKind = "unbind"
	// StepCanary (S8) waits for the canary pods and judges them.
	StepCanary StepKind = "canary"
	// StepRelease (S8) puts back what held the rollout.
	StepRelease StepKind = "release"
	// StepUnbound (S8) waits for the second rollout and judges it.
	StepUnbound StepKind = "unbound"
	// StepLoadAgain (S8) proves under load what is left: the new path alone.
	StepLoadAgain StepKind = "loadAgain"
	// StepSwitch (S5 and S8 in one write) gives one workload's template the webhook's label and takes the old one, held at canary pods;
	// only in a single rollout, where it stands for StepLabel, StepDualPath, StepLoad and StepUnbind.
	StepSwitch StepKind = "switch"
	// StepSoak (S9) watches for the soak time.
	StepSoak StepKind = "soak"
	// StepResume ends StepSuspend, and waits until the tool has reconciled and put nothing back.
	StepResume StepKind = "resume"
	// StepFinish (S10) deletes the bindings and identities that nothing needs, and the breadcrumbs.
	StepFinish StepKind = "finish"
)

// State returns the state that a unit has reached when a step of this kind is complete.
func (k StepKind) State() State {
	switch k {
	case StepPreflight:
		return Preflighted
	case StepTrust, StepSuspend:
		return Trusted
	case StepAnnotate:
		return Annotated
	case StepLabel, StepSwitch:
		return Labelled
	case StepDualPath:
		return DualPath
	case StepLoad, StepUnbind, StepCanary, StepRelease:
		return LoadVerified
	case StepUnbound, StepLoadAgain:
		return Unbound
	case StepSoak, StepResume:
		return Soaked
	case StepFinish:
		return Done
	}
	return Planned
}

// Step is one step of a unit: its edits are made in order, then its wait, then the gate of its kind.
type Step struct {
	// ID is unique within the unit: the kind, and the workload where there is one.
	ID   string   `json:"id"`
	Kind StepKind `json:"kind"`
	// Workload is the one that the step is about; nil for all of the unit.
	Workload *Ref   `json:"workload,omitempty"`
	Edits    []Edit `json:"edits,omitempty"`
	Wait     Wait   `json:"wait,omitempty"`
}

// Wait says what a step watches for after its edits.
type Wait string

const (
	// WaitRollout means: every pod of the workload runs the new template.
	WaitRollout Wait = "rollout"
	// WaitCanary means: the canary pods are there and ready, and the rollout is held.
	WaitCanary Wait = "canary"
	// WaitSoak means: the soak time has been watched.
	WaitSoak Wait = "soak"
	// WaitJobs means: the Jobs that were left to finish on the old path have finished.
	WaitJobs Wait = "jobs"
	// WaitUnassigned means: no AzureAssignedIdentity of the unit is left.
	WaitUnassigned Wait = "unassigned"
)

// Edit is one planned change of one object. Its fields say all: the patch and its inverse follow from them, and are spelled out for
// the reviewer.
type Edit struct {
	// ID is unique within the unit.
	ID   string `json:"id"`
	Verb Verb   `json:"verb"`
	Ref  Ref    `json:"object"`
	// Fields are the values that the edit changes; none for deletions.
	Fields []Field `json:"fields,omitempty"`
	// Git means: the change is published for the repository, and the unit is held until it is seen on the object.
	Git bool `json:"git,omitempty"`
	// Manual means: a person makes the change, and the unit is held until it is seen on the object.
	Manual bool `json:"manual,omitempty"`
	// Publish means: the change is made live, and published as well, so that a later sync does not drop it.
	Publish bool `json:"publish,omitempty"`
	// Hold is how many pods the change is held at, by fields outside the pod template that are computed from the live object; 0 for
	// a kind that cannot hold. Release is the edit whose hold this one puts back.
	Hold    int    `json:"hold,omitempty"`
	Release string `json:"release,omitempty"`
	// AddOn means: the deletion goes through ARM's podIdentityProfile, not through the API server.
	AddOn bool `json:"addOn,omitempty"`
	// Preconditions, Patch and Inverse are for the reader: what guards the write, its body, and the body that undoes it.
	Preconditions []string `json:"preconditions,omitempty"`
	Patch         string   `json:"patch,omitempty"`
	Inverse       string   `json:"inverse,omitempty"`
}

// Field is one field that goes from a value to a value. A nil value means absent.
type Field struct {
	Path   []string `json:"path"`
	Before any      `json:"before"`
	After  any      `json:"after"`
	// Live means: Before is whatever the object holds when the edit is made; the journal keeps it.
	Live bool `json:"live,omitempty"`
}
