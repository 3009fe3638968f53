package issuer

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLength is what Entra accepts, in characters
// (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations).
const maxLength = 600

// checkURL reports what is wrong with the issuer as a string; false means that there is nothing to fetch.
func (v *Verification) checkURL() bool {
	switch {
	case v.Issuer == "":
		v.add(NotAnIssuer, "it is empty")
		return false
	case strings.ContainsFunc(v.Issuer, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		v.add(NotAnIssuer, "it holds white space or control characters")
		return false
	case utf8.RuneCountInString(v.Issuer) > maxLength:
		v.add(NotAnIssuer, "it is longer than %d characters", maxLength)
		return false
	}
	u, err := url.Parse(v.Issuer)
	switch {
	case err != nil:
		v.add(NotAnIssuer, "it is not a URL")
		return false
	case u.Scheme != "https" || u.Host == "":
		v.add(NotAnIssuer, "it is not an https URL")
		return false
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(v.Issuer, "#"):
		v.add(NotAnIssuer, "an issuer has no user information, query or fragment")
		return false
	}
	if private(u.Hostname()) {
		v.add(Private, "Entra cannot reach host %s", u.Hostname())
	}
	return true
}

// private says whether a host is one that is not on the public Internet: in-cluster and local names, single labels, and private
// addresses.
func private(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return !addr.IsGlobalUnicast() || addr.IsPrivate()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return !strings.Contains(host, ".") || slices.ContainsFunc([]string{".svc", ".local", ".internal", ".localhost"}, func(suffix string) bool {
		return strings.HasSuffix(host, suffix)
	})
}
