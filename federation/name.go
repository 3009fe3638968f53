package federation

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// DefaultNamePrefix begins the names of the credentials that this package makes.
const DefaultNamePrefix = "wimigrate"

const (
	nameHashLength  = 12
	maxPrefixLength = 32
)

// CredentialName derives the name under which the trust of a service account of a cluster is kept: PREFIX-CLUSTER_NAMESPACE_ACCOUNT. It
// does not depend on the issuer, so a rebuilt cluster finds its credential again and replaces it in place. Where a part holds what a
// name may not, or the whole is too long, parts are mended and a short hash of the true ones is added, so that two service accounts
// never share a name. An empty prefix means DefaultNamePrefix.
func CredentialName(prefix, cluster, namespace, serviceAccount string) string {
	return candidateName(prefix, cluster, namespace, serviceAccount, 0)
}

// candidateName is the n-th name for the same service account: the first is CredentialName; the others serve where a name is taken by
// somebody else, or where the old credential has to stay beside the new one.
func candidateName(prefix, cluster, namespace, serviceAccount string, n int) string {
	if prefix == "" {
		prefix = DefaultNamePrefix
	}
	plain := prefix + "-" + cluster + "_" + namespace + "_" + serviceAccount
	// Kubernetes names hold no underscore, so a plain name can be told apart again from the right.
	if n == 0 && legalName(plain) && !strings.Contains(namespace, "_") && !strings.Contains(serviceAccount, "_") {
		return plain
	}
	sum := sha256.Sum256([]byte(apart.Replace(cluster) + "\x00" + apart.Replace(namespace) + "\x00" + apart.Replace(serviceAccount) + "\x00" + strconv.Itoa(n)))
	room := MaxNameLength - 1 - nameHashLength
	return mend(plain, room) + "_" + hex.EncodeToString(sum[:])[:nameHashLength]
}

// apart takes the separator of the hash out of a part, so that no two lists of parts read the same.
var apart = strings.NewReplacer("\x01", "\x01\x01", "\x00", "\x01\x02")

// mend makes s legal: illegal bytes become '-', and what is too long is cut.
func mend(s string, room int) string {
	if len(s) > room {
		s = s[:room]
	}
	b := []byte(s)
	for i := range b {
		if !nameByte(b[i]) {
			b[i] = '-'
		}
	}
	return string(b)
}

// ownName reports whether this package could have given the name to a credential for that service account of some cluster.
func ownName(prefix, name, namespace, serviceAccount string) bool {
	rest, ok := strings.CutPrefix(name, prefix+"-")
	if !ok || !legalName(name) {
		return false
	}
	if cluster, ok := strings.CutSuffix(rest, "_"+namespace+"_"+serviceAccount); ok && cluster != "" {
		return true
	}
	i := len(rest) - nameHashLength - 1
	if i < 1 || rest[i] != '_' || !isHex(rest[i+1:]) {
		return false
	}
	// A mended name keeps its namespace and account unless they were cut off.
	return len(name) == MaxNameLength || strings.HasSuffix(rest[:i], mend("_"+namespace+"_"+serviceAccount, MaxNameLength))
}

func isHex(s string) bool {
	for i := range len(s) {
		if b := s[i]; (b < '0' || b > '9') && (b < 'a' || b > 'f') {
			return false
		}
	}
	return s != ""
}

func validPrefix(p string) bool {
	return p != "" && len(p) <= maxPrefixLength && alphanumeric(p[0]) && mend(p, maxPrefixLength) == p
}
