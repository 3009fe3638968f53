package issuer

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// Codes of the findings of this package.
const (
	// Disagreement: two sources name different issuers for one cluster. Remedy: trust the token, correct the other.
	Disagreement catalog.Code = "issuer-disagreement"
	// Unread: a source could not be read. Remedy: grant the read, or accept what the others say.
	Unread catalog.Code = "issuer-unread"
	// Unknown: no source knows the cluster's issuer; nothing can be federated with it. Remedy: enable the OIDC issuer.
	Unknown catalog.Code = "issuer-unknown"
	// Unusable: Entra cannot use the issuer as it is. Remedy: as the message says.
	Unusable catalog.Code = "issuer-unusable"
	// Unreachable: the issuer could not be fetched from here, or is private; whether Entra can fetch it is not known.
	Unreachable catalog.Code = "issuer-unreachable"
)

// Compare returns the most trusted issuer among the readings of a cluster (token, then discovery document, ARM, file), and findings
// for the readings that differ from it or failed. It does no I/O. No usable reading at all gives "" and a blocking finding.
func Compare(cluster string, readings []Reading) (string, []catalog.Finding) {
	sorted := slices.Clone(readings)
	slices.SortStableFunc(sorted, func(a, b Reading) int { return rank(a.Origin) - rank(b.Origin) })
	var best *Reading
	var findings []catalog.Finding
	for i, r := range sorted {
		switch {
		case r.Err != nil || r.Issuer == "":
			findings = append(findings, unread(cluster, r))
		case best == nil:
			best = &sorted[i]
		case r.Issuer != best.Issuer:
			findings = append(findings, disagreement(cluster, *best, r))
		}
	}
	if best == nil {
		return "", append(findings, finding(cluster, Unknown, catalog.Blocking,
			"no source knows the issuer of the cluster: nothing can trust it",
			"enable the issuer (az aks update --enable-oidc-issuer), or read it where it can be read"))
	}
	return best.Issuer, findings
}

func rank(o Origin) int {
	if i := slices.Index(origins(), o); i >= 0 {
		return i
	}
	return len(origins())
}

func finding(cluster string, code catalog.Code, severity catalog.Severity, message, remedy string) catalog.Finding {
	return catalog.Finding{Code: code, Severity: severity, Cluster: cluster, Object: "Cluster/" + cluster, Message: message, Remedy: remedy}
}

func unread(cluster string, r Reading) catalog.Finding {
	if r.Err == nil || errors.Is(r.Err, ErrNone) {
		return finding(cluster, Unread, catalog.Warning, fmt.Sprintf("source %s has no issuer", r.Origin),
			"enable the cluster's OIDC issuer; if it is being enabled, read again when the update is done")
	}
	return finding(cluster, Unread, catalog.Warning, fmt.Sprintf("source %s could not be read: %v", r.Origin, r.Err),
		"make the source readable, so that its word can be held against the others'")
}

func disagreement(cluster string, best, other Reading) catalog.Finding {
	return finding(cluster, Disagreement, catalog.Error,
		fmt.Sprintf("source %s says %q, source %s says %q: %s", best.Origin, best.Issuer, other.Origin, other.Issuer, difference(best.Issuer, other.Issuer)),
		fmt.Sprintf("correct what source %s rests on; federate with %q", other.Origin, best.Issuer))
}

// difference says in words how got differs from want, which it does.
func difference(want, got string) string {
	switch {
	case got+"/" == want:
		return "the slash at the end is missing"
	case got == want+"/":
		return "there is a slash too many at the end"
	case strings.TrimSpace(got) == strings.TrimSpace(want):
		return "there is white space around it"
	case strings.EqualFold(got, want):
		return "the letter case differs"
	case strings.EqualFold(strings.TrimRight(got, "/"), strings.TrimRight(want, "/")):
		return "the letter case and the slash at the end differ"
	}
	return "they are different issuers"
}
