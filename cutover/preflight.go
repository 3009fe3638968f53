package cutover

import (
	"context"
	"slices"
	"time"
)

// Check is one preflight check. Its evidence is Pass, Fail or Inconclusive; none means that there was nothing to judge.
type Check struct {
	// Code is PF01 to PF17, as a unit's Requires lists them.
	Code string
	// Title says in a few words what must hold.
	Title string
	Run   func(ctx context.Context, t Target, o PreflightOptions) []Evidence
}

// PreflightOptions give the checks what a cluster cannot tell. The zero value leaves what depends on it inconclusive.
type PreflightOptions struct {
	// EntraClock returns Entra's time, such as the Date header of its token endpoint.
	EntraClock func(ctx context.Context) (time.Time, error)
	// Issuers returns further readings of a cluster's issuer by their source: ARM, the discovery document. Default: none; the minted
	// token, the plan and the federated credentials are compared in any case.
	Issuers func(ctx context.Context, cluster string) (map[string]string, error)
	// Attest says whether the application of a workload is known to use its federated token. Where it says [AttestUnknown], and by
	// default, what the plan has recorded counts ([PlanOptions.Attest]).
	Attest func(w Workload) Attestation
	// Probes is how many dry-run pods prove the webhook; default: [DefaultProbes].
	Probes int
	// ProbeTime is how long the admission of a dry-run pod may take, by the 99th percentile; default: 1 second, and negative for any time.
	ProbeTime time.Duration
	// Skip names checks that the user answers for. They are listed as such in the evidence.
	Skip []string
}

// Attestation says how well it is known that an application takes its tokens by workload identity once it is told to.
type Attestation string

const (
	// AttestUnknown means that nobody has looked. The old label then goes only behind a canary whose tokens are watched, after a first
	// rollout that kept it; not in a single rollout.
	AttestUnknown Attestation = "unknown"
	// AttestDeclared means that its owner says so.
	AttestDeclared Attestation = "declared"
	// AttestVerified means that it was seen.
	AttestVerified Attestation = "verified"
)

// Checks returns the preflight checks, in order.
func Checks() []Check {
	return []Check{
		{"PF01", "the runner may do what the plan says", checkAccess},
		{"PF02", "clocks agree within a minute", checkClocks},
		{"PF03", "the issuer is the same everywhere, byte for byte", checkIssuer},
		{"PF04", "the webhook is there, healthy, and injects", checkWebhook},
		{"PF05", "the service account exists and is free for the annotation", checkAccounts},
		{"PF06", "a service account leads to one identity", checkOneIdentity},
		{"PF07", "the old label is not in an immutable selector", checkSelector},
		{"PF08", "no hard-coded environment overrides the injection", checkEnvironment},
		{"PF09", "containers, host network and pod security allow injection", checkPodShape},
		{"PF10", "the identity has room for its federated credentials", checkRoom},
		{"PF11", "the workload is quiet", checkQuiet},
		{"PF12", "the rollout's surge fits the quota", checkQuota},
		{"PF13", "the GitOps owner is the one that was planned for", checkOwner},
		{"PF14", "nothing else in the namespace needs the old path", checkConsumers},
		{"PF15", "the application is known to use its token, or will be watched", checkAttestation},
		{"PF16", "the plan is of this cluster and these objects", checkFresh},
		{"PF17", "admission accepts every planned write", checkAdmission},
	}
}

// Preflight returns a gate that runs the checks that the unit requires, and writes nothing. It runs all of them, so that everything
// wrong is seen at once.
func Preflight(opts *PreflightOptions) Gate {
	var o PreflightOptions
	if opts != nil {
		o = *opts
	}
	return func(ctx context.Context, t Target) Verdict {
		var evidence []Evidence
		for _, c := range Checks() {
			if !slices.Contains(t.Unit.Requires, c.Code) {
				continue
			}
			if slices.Contains(o.Skip, c.Code) {
				evidence = append(evidence, Evidence{Check: c.Code, Got: "skipped by the user, who answers for: " + c.Title, Result: Pass})
				continue
			}
			found := c.Run(ctx, t, o)
			if len(found) == 0 {
				found = []Evidence{{Got: c.Title, Result: Pass}}
			}
			for i := range found {
				found[i].Check = c.Code
			}
			evidence = append(evidence, found...)
		}
		return Judge("preflight", evidence...)
	}
}

// passed, failing and unclear make evidence; Preflight fills in the check.
func passed(object, got string) Evidence { return Evidence{Object: object, Got: got, Result: Pass} }

func failing(object, got, want string) Evidence {
	return Evidence{Object: object, Got: got, Want: want, Result: Fail}
}

func unclear(object, got string) Evidence {
	return Evidence{Object: object, Got: got, Result: Inconclusive}
}

// each runs a check on every workload of the target as it is now.
func each(ctx context.Context, t Target, judge func(w Workload, live *liveWorkload) []Evidence) []Evidence {
	var out []Evidence
	for _, w := range t.Workloads {
		if w.Template == nil {
			// It is not changed either: the unit will be held for a person.
			out = append(out, passed(w.String(), "warning: nobody knows where it keeps its pod template; whoever changes it must look at this too"))
			continue
		}
		live, err := readWorkload(ctx, t.Cluster, w)
		if err != nil {
			out = append(out, unclear(w.String(), "cannot be read: "+err.Error()))
			continue
		}
		out = append(out, judge(w, live)...)
	}
	return out
}
