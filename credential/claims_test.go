package credential_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wimigrate/wimigrate/credential"
)

func TestClaimsAreReadOfWhateverAnIssuerWrites(t *testing.T) {
	for name, tc := range map[string]struct {
		payload string
		want    credential.Claims
	}{
		"version 1 calls the client appid":      {`{"appid":"a","azp":"b"}`, credential.Claims{ClientID: "a"}},
		"version 2 calls it azp":                {`{"azp":"b"}`, credential.Claims{ClientID: "b"}},
		"one audience":                          {`{"aud":"x"}`, credential.Claims{Audience: []string{"x"}}},
		"several":                               {`{"aud":["x","y"]}`, credential.Claims{Audience: []string{"x", "y"}}},
		"times with fractions":                  {`{"nbf":1700000000.9}`, credential.Claims{NotBefore: time.Unix(1700000000, 0).UTC()}},
		"times that are none are left out":      {`{"exp":"soon","nbf":-1}`, credential.Claims{}},
		"claims of another type are left out":   {`{"iss":7,"sub":"s","aud":{}}`, credential.Claims{Subject: "s"}},
		"white space before the object is fine": {" \r\n\t{\"iss\":\"i\"}", credential.Claims{Issuer: "i"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := credential.ReadClaims("\n" + unsigned(tc.payload) + " ")
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("%v\n%s", err, diff)
			}
		})
	}
}

func TestWhatIsNoJWTIsUnreadableAndNotQuoted(t *testing.T) {
	for name, token := range map[string]string{
		"nothing": "", "two parts": "a.SECRET", "no base64": "a.SECRET!.c", "no JSON": unsigned("SECRET"), "null": unsigned("null"),
		"a list": unsigned(`["SECRET"]`), "a string": unsigned(`"{SECRET"`), "too long": unsigned(`{"iss":"` + strings.Repeat("SECRET", 300_000) + `"}`),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := credential.ReadClaims(token); !errors.Is(err, credential.ErrUnreadable) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// unsigned makes a token of a payload.
func unsigned(payload string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".sig"
}
