package credential

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// explain adds to an error about federation what the pod presented: the claims of
// its token file. Other errors stay as the decision table has them.
func (c *Credential) explain(e *TokenError, o outcome) {
	if len(o.codes) == 0 || c.settings.tokenFile == "" || !strings.HasPrefix(e.Decision, "federation/") && !strings.HasPrefix(e.Decision, "assertion/") {
		return
	}
	presented, err := readTokenFile(c.settings.tokenFile)
	if err != nil {
		return
	}
	explainFederation(e, presented, o.text)
}

// explainFederation puts what was presented next to what Entra said. Pure.
func explainFederation(e *TokenError, presented Claims, said string) {
	what := fmt.Sprintf("issuer %q subject %q audience %q", presented.Issuer, presented.Subject, strings.Join(presented.Audience, " "))
	switch e.Decision {
	case "federation/no-match", "federation/none":
		e.Meaning = fmt.Sprintf("no federated credential on %s for %s", e.ClientID, what)
		e.Remedy = "create one, or wait: a new one takes minutes to propagate; all three must match byte for byte"
		if which := unmatched(e.Codes, presented); which != "" {
			e.Meaning += ": " + which
		}
	default:
		e.Meaning += " (presented: " + what + ")"
	}
	if differs := differences(presented, said); len(differs) > 0 {
		e.Remedy = strings.Join(differs, "; ") + "; " + e.Remedy
	}
}

// unmatched says which part Entra found no match for. It looks for the issuer first.
func unmatched(codes []int, presented Claims) string {
	switch {
	case slices.Contains(codes, 700211) && strings.HasSuffix(presented.Issuer, "/"):
		return "Entra has none for this issuer, which ends in a slash"
	case slices.Contains(codes, 700211):
		return "Entra has none for this issuer, which does not end in a slash"
	case slices.Contains(codes, 700213):
		return "Entra has some for this issuer, but none for this subject"
	case slices.Contains(codes, 70025):
		return "the identity has no federated credential at all"
	}
	return ""
}

var quoted = regexp.MustCompile(`'([^']{1,512})'|"([^"]{1,512})"`)

// differences finds values that Entra names and that differ from what was presented
// only by a trailing slash or in letter case: the two mistakes nobody sees.
func differences(presented Claims, said string) []string {
	var found []string
	for _, m := range quoted.FindAllStringSubmatch(said, 16) {
		value := m[1] + m[2]
		for _, claim := range presentedClaims(presented) {
			if value == claim.value || claim.value == "" {
				continue
			}
			var how string
			switch {
			case strings.TrimSuffix(value, "/") == strings.TrimSuffix(claim.value, "/"):
				how = "by a trailing slash"
			case strings.EqualFold(value, claim.value):
				how = "in letter case"
			default:
				continue
			}
			found = append(found, fmt.Sprintf("the %s differs %s: Entra has %q, the pod presents %q", claim.name, how, value, claim.value))
		}
	}
	return found
}

type namedClaim struct{ name, value string }

func presentedClaims(c Claims) []namedClaim {
	claims := []namedClaim{{"issuer", c.Issuer}, {"subject", c.Subject}}
	for _, a := range c.Audience {
		claims = append(claims, namedClaim{"audience", a})
	}
	return claims
}
