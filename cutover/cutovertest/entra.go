package cutovertest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wimigrate/wimigrate/catalog"
	"github.com/wimigrate/wimigrate/cutover"
	"github.com/wimigrate/wimigrate/federation"
	"github.com/wimigrate/wimigrate/internal/workloadid"
)

// Tenant is the Entra tenant of every fleet.
const Tenant = "11111111-1111-4111-8111-111111111111"

// missMemory is how long Entra remembers that it did not know a credential.
// https://azure.github.io/azure-workload-identity/docs/faq.html
const missMemory = 2 * time.Minute

// entra is the one tenant behind a fleet.
type entra struct {
	trusted map[string][]credential // by client ID
	missed  map[string]time.Time
}

type credential struct {
	federation.Credential
	since time.Time
}

// Trust makes an identity, by client ID, trust a credential from now on; Entra honours it when the propagation is over. The fields are
// taken byte for byte, as Entra takes them.
func (f *Fleet) Trust(clientID string, c federation.Credential) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.catchUp()
	f.trust(clientID, c, f.opts.Propagation)
}

func (f *Fleet) trust(clientID string, c federation.Credential, lag time.Duration) {
	since := f.now.Add(time.Duration(float64(lag) * f.opts.Pace))
	f.entra.trusted[clientID] = append(f.entra.trusted[clientID], credential{c, since})
}

// Distrust takes every credential of an identity away.
func (f *Fleet) Distrust(clientID string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.entra.trusted, clientID)
}

// List implements cutover.Trust, by client ID.
func (f *Fleet) List(ctx context.Context, id catalog.Identity) ([]federation.Credential, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []federation.Credential{}
	for _, c := range f.entra.trusted[id.ClientID] {
		out = append(out, c.Credential)
	}
	return out, nil
}

// Exchange implements cutover.Exchanger.
func (f *Fleet) Exchange(ctx context.Context, r cutover.ExchangeRequest) (cutover.Claims, error) {
	if err := ctx.Err(); err != nil {
		return cutover.Claims{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.catchUp()
	t, err := f.verify(r.Assertion)
	if err != nil {
		return cutover.Claims{}, err
	}
	if err := f.exchange(r.ClientID, t.Issuer, t.Subject, t.Audience[0]); err != nil {
		return cutover.Claims{}, err
	}
	return cutover.Claims{AppID: r.ClientID, TenantID: r.TenantID}, nil
}

// exchange says whether Entra gives a token; a miss is remembered, so one that asks too early is refused for longer.
func (f *Fleet) exchange(client, issuer, subject, audience string) error {
	key := strings.Join([]string{client, issuer, subject, audience}, "\x00")
	forget := time.Duration(float64(missMemory) * f.opts.Pace)
	if at, ok := f.entra.missed[key]; ok && f.now.Sub(at) < forget {
		return errors.New("AADSTS70021: No matching federated identity record found for presented assertion")
	}
	if f.trusts(client, issuer, subject, audience) {
		return nil
	}
	f.entra.missed[key] = f.now
	return fmt.Errorf("AADSTS700213: No matching federated identity record found for presented assertion subject '%s'", subject)
}

// trusts reports whether an identity trusts what a token says, and Entra knows of it by now.
func (f *Fleet) trusts(client, issuer, subject, audience string) bool {
	for _, c := range f.entra.trusted[client] {
		if c.Issuer == issuer && c.Subject == subject && c.Audience == audience && !c.since.After(f.now) {
			return true
		}
	}
	return false
}

// claims are what a simulated token says.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience []string `json:"aud"`
	Expires  int64    `json:"exp"`
	Issued   int64    `json:"iat"`
}

// Token implements cutover.Reader: a JWT signed with the cluster's key.
func (c *Cluster) Token(ctx context.Context, r cutover.TokenRequest) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	c.begin()
	defer c.fleet.mu.Unlock()
	sa := cutover.Ref{APIVersion: "v1", Kind: "ServiceAccount", Namespace: r.Namespace, Name: r.ServiceAccount}
	if c.find(sa.Kind, sa.Namespace, sa.Name) == nil {
		return "", notFound(sa)
	}
	if r.Pod.Name != "" {
		pod := c.find("Pod", r.Namespace, r.Pod.Name)
		if pod == nil || r.Pod.UID != "" && pod.uid() != r.Pod.UID {
			return "", notFound(r.Pod)
		}
	}
	now := c.fleet.now
	body, err := json.Marshal(claims{
		Issuer: c.issuer, Subject: workloadid.Subject(r.Namespace, r.ServiceAccount), Audience: []string{r.Audience},
		Issued: now.Unix(), Expires: now.Add(time.Hour).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(body)
	return signed + "." + encode(c.sign(signed)), nil
}

func (c *Cluster) sign(text string) []byte {
	m := hmac.New(sha256.New, c.key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// verify checks a token against the keys of the cluster that its issuer names.
func (f *Fleet) verify(token string) (claims, error) {
	var t claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return t, errors.New("AADSTS50027: JWT token is invalid or malformed")
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(body, &t) != nil || len(t.Audience) != 1 {
		return t, errors.New("AADSTS50027: JWT token is invalid or malformed")
	}
	for _, name := range f.names {
		c := f.clusters[name]
		if c.issuer == t.Issuer && encode(c.sign(parts[0]+"."+parts[1])) == parts[2] && t.Expires > f.now.Unix() {
			return t, nil
		}
	}
	return t, errors.New("AADSTS700211: No matching federated identity record found for presented assertion issuer")
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
