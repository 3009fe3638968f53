package render

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

const (
	hashLength = 10
	// maxPathName keeps folders and files within what every file system holds.
	maxPathName = 100
	// maxObjectName is the limit of most Kubernetes object names (RFC 1123 subdomain).
	maxObjectName = 253
)

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:hashLength]
}

var (
	notPath  = regexp.MustCompile(`[^a-z0-9._-]+`)
	notIdent = regexp.MustCompile(`[^A-Za-z0-9_-]+`)
	notDNS   = regexp.MustCompile(`[^a-z0-9-]+`)
	// hashed is what mended names end with: a plain name that does so too is mended, so that no one can choose another's mended name.
	hashed = regexp.MustCompile(`(?:^|-)[0-9a-f]{10}$`)
)

// pathName returns a folder or file name for s: itself where it is plain lower-case text, else a mended form with a hash of the true
// one, so that two names never share a path, not even where letter case does not count.
func pathName(s string) string {
	plain := notPath.ReplaceAllString(strings.ToLower(s), "-")
	if plain == s && len(s) <= maxPathName && strings.Trim(s, ".-") == s && s != "" && !hashed.MatchString(s) {
		return s
	}
	return hashedName(s, s)
}

// hashedName returns what of s a path may hold, and a hash of key.
func hashedName(s, key string) string {
	plain := notPath.ReplaceAllString(strings.ToLower(s), "-")
	plain = strings.Trim(plain[:min(len(plain), maxPathName-hashLength-1)], ".-")
	return strings.TrimLeft(plain+"-"+shortHash(key), "-")
}

// identifier returns a legal Terraform name for s.
func identifier(s string) string {
	out := notIdent.ReplaceAllString(s, "_")
	if out == "" || !isLetter(out[0]) {
		out = "_" + out
	}
	return out
}

func isLetter(b byte) bool { return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || b == '_' }

// objectName returns a legal Kubernetes object name for s, with a hash of the true one where that is not s itself.
func objectName(s string) string {
	plain := strings.Trim(notDNS.ReplaceAllString(strings.ToLower(s), "-"), "-")
	if plain == s && len(s) <= maxObjectName && s != "" && !hashed.MatchString(s) {
		return s
	}
	plain = strings.Trim(plain[:min(len(plain), maxObjectName-hashLength-1)], "-")
	return strings.TrimLeft(plain+"-"+shortHash(s), "-")
}

// shortName is the last part of a resource ID, or the client ID of an application.
func shortName(id catalog.Identity) string {
	s := id.ID()
	return s[strings.LastIndexByte(s, '/')+1:]
}

// labels returns a legal name for each entry, unique among them: identity and credential, and a hash where that would not be enough.
func labels(entries []entry) []string {
	out, count := make([]string, len(entries)), map[string]int{}
	for i, e := range entries {
		out[i] = identifier(shortName(e.identity) + "_" + e.cred.Name)
		count[strings.ToLower(out[i])]++
	}
	for i, e := range entries {
		if count[strings.ToLower(out[i])] > 1 {
			out[i] += "_" + shortHash(e.identity.Key()+"\x00"+e.cred.Name)
		}
	}
	return out
}
