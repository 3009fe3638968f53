package credential

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"
)

// Claims are the claims of a token that say whose it is. Reading them proves
// nothing: the signature is not checked.
type Claims struct {
	Issuer     string    `json:"iss,omitempty"`
	Subject    string    `json:"sub,omitempty"`
	Audience   []string  `json:"aud,omitempty"`
	ClientID   string    `json:"appid,omitempty"` // appid in tokens of version 1, azp in version 2
	TenantID   string    `json:"tid,omitempty"`
	ObjectID   string    `json:"oid,omitempty"`
	ResourceID string    `json:"xms_mirid,omitempty"`
	NotBefore  time.Time `json:"nbf,omitzero"`
	Expires    time.Time `json:"exp,omitzero"`
}

// ErrUnreadable means that a token is not a JWT whose claims can be read.
var ErrUnreadable = errors.New("credential: token claims cannot be read")

// maxToken bounds what is decoded; real tokens are below 20 KB.
const maxToken = 1 << 20

// ReadClaims reads the claims of a JWT without verifying it. Any input is safe;
// what is not a JWT yields ErrUnreadable, which never quotes the input.
func ReadClaims(token string) (Claims, error) {
	token = strings.TrimSpace(token)
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return Claims{}, ErrUnreadable
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return Claims{}, ErrUnreadable
	}
	var raw struct {
		Issuer     text     `json:"iss"`
		Subject    text     `json:"sub"`
		Audience   audience `json:"aud"`
		AppID      text     `json:"appid"`
		AZP        text     `json:"azp"`
		TenantID   text     `json:"tid"`
		ObjectID   text     `json:"oid"`
		ResourceID text     `json:"xms_mirid"`
		NotBefore  seconds  `json:"nbf"`
		Expires    seconds  `json:"exp"`
	}
	if err := json.Unmarshal(body, &raw); err != nil || !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return Claims{}, ErrUnreadable
	}
	c := Claims{
		Issuer: string(raw.Issuer), Subject: string(raw.Subject), Audience: raw.Audience,
		ClientID: string(raw.AppID), TenantID: string(raw.TenantID), ObjectID: string(raw.ObjectID),
		ResourceID: string(raw.ResourceID), NotBefore: time.Time(raw.NotBefore), Expires: time.Time(raw.Expires),
	}
	if c.ClientID == "" {
		c.ClientID = string(raw.AZP)
	}
	return c, nil
}

// text is a JSON string; any other JSON value reads as empty.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
	}
	return nil
}

// audience is a JSON string or a list of strings; other values read as empty.
type audience []string

func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil && one != "" {
		*a = audience{one}
		return nil
	}
	var many []string
	if json.Unmarshal(b, &many) == nil {
		*a = many
	}
	return nil
}

// seconds is a JSON number of seconds since 1970; what is out of range reads as zero.
type seconds time.Time

func (s *seconds) UnmarshalJSON(b []byte) error {
	var f float64
	if json.Unmarshal(b, &f) == nil && f > 0 && f < math.MaxInt32*100.0 {
		*s = seconds(time.Unix(int64(f), 0).UTC())
	}
	return nil
}
