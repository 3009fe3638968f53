package cutover_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// testCA returns a CA certificate that lasts a year, as PEM.
func testCA(t *testing.T) string {
	t.Helper()
	return caUntil(t, time.Now().AddDate(1, 0, 0))
}

// endingCA returns one that lasts so long after the beginning of a bubble's time, as a caBundle.
func endingCA(t *testing.T, left time.Duration) string {
	t.Helper()
	return base64.StdEncoding.EncodeToString([]byte(caUntil(t, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(left))))
}

func caUntil(t *testing.T, end time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: end.AddDate(-2, 0, 0), NotAfter: end, IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
