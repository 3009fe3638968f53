package federation

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"slices"
	"strings"

	"github.com/wimigrate/wimigrate/catalog"
)

// digester hashes strings, each with its length, so that no two lists of strings have the same bytes. It is used again and again.
type digester struct {
	hash hash.Hash
	buf  []byte
}

func newDigester() *digester { return &digester{hash: sha256.New(), buf: make([]byte, 0, 1<<12)} }

func (d *digester) write(values ...string) {
	for _, v := range values {
		if len(d.buf)+len(v)+binary.MaxVarintLen64 > cap(d.buf) {
			d.flush()
		}
		d.buf = binary.AppendUvarint(d.buf, uint64(len(v)))
		d.buf = append(d.buf, v...)
	}
}

func (d *digester) flush() {
	d.hash.Write(d.buf) // a hash never fails
	d.buf = d.buf[:0]
}

// sum returns the digest and starts anew.
func (d *digester) sum() string {
	d.flush()
	var sum [sha256.Size]byte
	text := "sha256:" + hex.EncodeToString(d.hash.Sum(sum[:0]))
	d.hash.Reset()
	return text
}

// credentials hashes credentials that are sorted.
func (d *digester) credentials(sorted []Credential) string {
	for i := range sorted {
		c := &sorted[i]
		d.write(c.Name, c.Issuer, c.Subject, c.Audience)
	}
	return d.sum()
}

// sortedCredentials returns a copy sorted by name.
func sortedCredentials(c []Credential) []Credential {
	sorted := slices.Clone(c)
	slices.SortFunc(sorted, compareCredentials)
	return sorted
}

func compareCredentials(a, b Credential) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	if c := strings.Compare(a.Issuer, b.Issuer); c != 0 {
		return c
	}
	if c := strings.Compare(a.Subject, b.Subject); c != 0 {
		return c
	}
	return strings.Compare(a.Audience, b.Audience)
}

// credentialsDigest hashes credentials that are sorted.
func credentialsDigest(sorted []Credential) string { return newDigester().credentials(sorted) }

// inputsDigest hashes what a plan depends on: clusters with their issuers, needs, and the credentials of every identity. It reads the
// needs off the changes where it can, which are sorted already.
func inputsDigest(cat *catalog.Catalog, p *Plan) string {
	d := newDigester()
	d.write(p.Topology)
	for _, i := range clusterOrder(cat.Clusters) {
		c := &cat.Clusters[i]
		d.write(c.Name, c.Region, c.Issuer, c.UID)
	}
	for i := range p.Identities {
		id := &p.Identities[i]
		d.write(id.Identity.Key(), id.State)
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		d.write(c.Identity, string(c.Action), c.Cluster, c.Namespace, c.ServiceAccount, c.Credential.Name)
	}
	return d.sum()
}

// Digest identifies the plan: a hash over all of it.
func (p *Plan) Digest() string {
	h := sha256.New()
	w := bufio.NewWriter(h)
	enc := json.NewEncoder(w)
	// Encoding plain strings and numbers into a hash cannot fail.
	_ = enc.Encode([]any{p.Topology, p.Inputs, p.Findings, p.Identities})
	for i := range p.Changes {
		_ = enc.Encode(&p.Changes[i])
	}
	_ = w.Flush()
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
