package credential

import (
	"fmt"
	"regexp"
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
	if e.Decision == "federation/no-match" || e.Decision == "federation/none" {
		e.Meaning = fmt.Sprintf("no federated credential on %s for %s", e.ClientID, what)
		e.Remedy = "create one, or wait: a new one takes minutes to propagate, and it must match byte for byte, trailing slash and letter case included"
	} else {
		e.Meaning += " (presented: " + what + ")"
	}
	if differs := differences(presented, said); len(differs) > 0 {
		e.Remedy = strings.Join(differs, "; ") + "; " + e.Remedy
	}
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
