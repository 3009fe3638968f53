package cutover

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// SignIn is one successful sign-in of an identity, as Entra's log has it: a row of AADManagedIdentitySignInLogs or of
// AADServicePrincipalSignInLogs.
// https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadmanagedidentitysigninlogs
// https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadserviceprincipalsigninlogs
type SignIn struct {
	Time time.Time
	// AppID is the client ID of the identity.
	AppID string
	// FederatedCredentialID is the federated credential that was used; empty for a sign-in without one, which for a managed identity is one
	// through IMDS.
	FederatedCredentialID string
	// IPAddress is where it came from; optional, and only shown.
	IPAddress string
}

// SignInOptions tune [SignIns]. A zero field means its default.
type SignInOptions struct {
	// Margin is how long after the switch sign-ins begin to count: for the clocks to differ, and for pods on their way out; default: 2
	// minutes.
	Margin time.Duration
}

// SignIns returns a gate that looks into Entra's sign-in log (V6): since the unit has left the old path, each of its identities must have
// signed in by a federated credential, and none without one. The reader asks wherever the log is kept, for successful sign-ins of the
// unit's identities in an interval, such as a Log Analytics workspace:
//
//	union AADManagedIdentitySignInLogs, AADServicePrincipalSignInLogs
//	| where TimeGenerated between (from .. to) and AppId in (clientIDs) and ResultType == 0
//	| project TimeGenerated, AppId, FederatedCredentialId, IPAddress
//
// It leaves out what signs in as the identity from elsewhere, such as a virtual machine of its own.
//
// The log is minutes late, so what it does not show yet is inconclusive; so is a sign-in without a federated credential where another
// unit of the plan, or a pod that is left to finish, has the same identity. Before the unit has left the old path there is nothing to
// judge, and the gate passes and says so. In [GateOptions.Also] or the Also of the last load window it demands that the log shows the new
// path before the unit goes on; in [GateOptions.Witnesses] it is one more witness during the soak. A nil reader is a refusal: always
// inconclusive.
func SignIns(read func(ctx context.Context, t Target, from, to time.Time) ([]SignIn, error), opts *SignInOptions) Gate {
	const name = "sign-ins"
	var o SignInOptions
	if opts != nil {
		o = *opts
	}
	number(&o.Margin, 2*time.Minute)
	return func(ctx context.Context, t Target) Verdict {
		switch {
		case read == nil:
			return unseen(name, "V6", "there is nothing that reads the sign-in log")
		case t.Switched.IsZero():
			return Judge(name, Evidence{Check: "V6", Object: t.Unit.ID, Got: "the unit is still on the old path by right; its sign-ins are judged later", Result: Pass})
		}
		from, to := t.Switched.Add(o.Margin), time.Now()
		if !to.After(from) {
			return unseen(name, "V6", "the unit has left the old path only just now")
		}
		found, err := read(ctx, t, from, to)
		if err != nil {
			return unseen(name, "V6", "the sign-in log cannot be read: "+err.Error())
		}
		var evidence []Evidence
		for _, a := range t.Unit.Accounts {
			evidence = append(evidence, judgeSignIns(ctx, t, a, between(found, from, to)))
		}
		return Judge(name, evidence...)
	}
}

// between leaves out what the reader found beside the interval.
func between(all []SignIn, from, to time.Time) []SignIn {
	var out []SignIn
	for _, s := range all {
		if !s.Time.Before(from) && !s.Time.After(to) {
			out = append(out, s)
		}
	}
	return out
}

// judgeSignIns judges the sign-ins of one service account's identity.
func judgeSignIns(ctx context.Context, t Target, a Account, found []SignIn) Evidence {
	e := Evidence{Check: "V6", Object: a.Ref.String(), Want: "sign-ins of " + a.Identity.ClientID + " by federated credential, and no others", Result: Pass}
	federated := 0
	var others []SignIn
	for _, s := range found {
		switch {
		case !strings.EqualFold(s.AppID, a.Identity.ClientID):
		case s.FederatedCredentialID != "":
			federated++
		default:
			others = append(others, s)
		}
	}
	e.Got = fmt.Sprintf("%d by federated credential", federated)
	if len(others) > 0 {
		e.Got += fmt.Sprintf(", %d without, at %s", len(others), others[0].Time.UTC().Format(time.RFC3339))
		if ip := others[0].IPAddress; ip != "" {
			e.Got += " from " + ip
		}
	}
	switch why := sharedIdentity(ctx, t, a); {
	case len(others) > 0 && why != "":
		e.Result = Inconclusive
		e.Got += ", and " + why
	case len(others) > 0:
		e.Result = Fail
	case federated == 0:
		e.Result, e.Got = Inconclusive, "none yet; the log is minutes late"
	}
	return e
}

// sharedIdentity says who else may use the identity by the old path; "" for nobody known.
func sharedIdentity(ctx context.Context, t Target, a Account) string {
	for _, u := range t.Plan.Units {
		for _, other := range u.Accounts {
			if u.ID != t.Unit.ID && strings.EqualFold(other.Identity.ClientID, a.Identity.ClientID) {
				return "unit " + u.ID + " has the same identity"
			}
		}
	}
	if len(t.Plan.Blocked) > 0 {
		b := t.Plan.Blocked[0]
		return fmt.Sprintf("blocked service accounts, such as %s/%s %v, may have the same identity", b.Cluster, b.Namespace, b.Accounts)
	}
	now, err := users(ctx, t)
	if err != nil {
		return "nobody knows who else may be on the old path: " + err.Error()
	}
	return now.who
}
